// Reads what a worker writes to a descriptor, at a rate that a worker that never pauses cannot raise.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "common/result.h"
#include "common/uv.h"

namespace sup {

// How many messages are read. Pure.
class Pace {
public:
    // At once, and then in a second: what a worker may say.
    static constexpr std::uint64_t burst = 64;
    static constexpr std::uint64_t per_second = 400;

    explicit Pace(std::uint64_t at_once = burst, std::uint64_t in_a_second = per_second)
        : burst_(at_once), per_second_(in_a_second) {}

    // Whether one more may be read at this time, in milliseconds.
    bool take(std::uint64_t now);

private:
    std::uint64_t burst_;
    std::uint64_t per_second_;
    std::uint64_t left_ = burst_ * 1000;  // thousandths of a message
    std::uint64_t at_ = 0;
};

// Watches a descriptor for input, as uv::Poll does. What comes too fast stays in the kernel, where it makes
// its sender wait. Main thread only.
class PacedPoll {
public:
    // Handles one message; false: there is none now. May destroy the watch.
    using One = std::function<bool()>;
    // Running.
    static Result<std::unique_ptr<PacedPoll>> create(uv_loop_t* loop, int fd, One one);
    PacedPoll(const PacedPoll&) = delete;
    PacedPoll& operator=(const PacedPoll&) = delete;

    void start();
    void stop();

private:
    PacedPoll(uv_loop_t* loop, One one);
    void serve();

    uv_loop_t* loop_;
    std::shared_ptr<const One> one_;
    Pace pace_;
    uv::Poll poll_;
    uv::Timer rest_;
};

}  // namespace sup
