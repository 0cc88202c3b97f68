// When services are asked to end idle connections, so that newcomers find a descriptor: where none is free,
// and a little before that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "common/uv.h"

namespace sup::worker {

class Room {
public:
    // `limit` is RLIMIT_NOFILE. `make` is called from the loop, with how many connections should end, and not
    // more often than every 100 ms.
    Room(uv_loop_t* loop, std::size_t limit, std::function<void(std::size_t)> make)
        : loop_(loop), limit_(limit), make_(std::move(make)) {}

    // A newcomer was accepted, and so many connections are open now.
    void taken_by(std::size_t connections);
    // A newcomer waits, and no descriptor is free.
    void none_free();
    // A connection waits in the inbox, and no descriptor is free. To end another one for it would be no gain:
    // only where it has waited for long.
    void inbox_waits();
    void inbox_goes_on() { inbox_waits_since_.reset(); }

private:
    void ask(std::size_t count);

    uv_loop_t* loop_;
    std::size_t limit_;
    std::function<void(std::size_t)> make_;
    uv::Timer timer_;                                 // set: asked, or asking
    std::optional<std::uint64_t> inbox_waits_since_;  // uv_now()
};

}  // namespace sup::worker
