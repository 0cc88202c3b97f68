// One client's socket, and the protocol spoken on it.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/unique_fd.h"
#include "worker/http/deadlines.h"
#include "worker/http/protocol.h"

namespace sup::http {

class ServerCore;

// Recycled: open() begins a new life. Between close() and the loop's next turn a watched one still belongs to
// libuv.
class Connection final : private Protocol::Host {
public:
    explicit Connection(ServerCore& server) : server_(server) { deadline_.owner = this; }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Serves what is here already; may be over when it returns.
    void open(UniqueFd socket);
    // Closed, and libuv was never asked to watch it.
    bool over() const { return !socket_ && !watched_; }

    // Lets go of what is left of a life that is over.
    void reset() { protocol_.reset(); }

    // Closes at once, without ceremony.
    void close();
    // Ends in order what is not in the midst of something, after a last look for bytes that have come.
    void end_if_idle();
    // Ends in order, whatever is going on: the time is up.
    void end_at_deadline();
    void time_out();

    bool was_cut() const { return cut_; }
    std::size_t index = 0;  // in the server's list

    struct OwnedDeadline : Deadline {
        Connection* owner = nullptr;
    };

private:
    void changed() override { settle(); }
    std::size_t send_now(std::string_view first, std::string_view second, std::string_view third) override;

    static void on_events(uv_poll_t* handle, int status, int events);
    bool watch();
    void read();
    void send();
    void settle();
    void update_interest();
    void update_deadline();
    void shut_down();
    void reset_on_close();

    ServerCore& server_;
    uv_poll_t poll_{};
    UniqueFd socket_;
    std::optional<Protocol> protocol_;
    OwnedDeadline deadline_;
    int interest_ = 0;          // UV_READABLE, UV_WRITABLE
    bool watched_ = false;      // poll_ is libuv's
    std::size_t lingered_ = 0;  // bytes read and dropped since shut_down()
    bool blocked_ = false;      // the socket's send buffer is full
    bool progress_ = false;     // bytes moved since the deadline was set
    bool broken_ = false;       // reset by the client, or another error
    bool cut_ = false;          // ended by us before it was due
    bool shut_down_ = false;    // our side was ended, the client's may not be
};

}  // namespace sup::http
