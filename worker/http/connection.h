// One client's socket, and the protocol spoken on it.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/unique_fd.h"
#include "worker/http/deadlines.h"
#include "worker/http/protocol.h"
#include "worker/lifecycle/service.h"

namespace sup::http {

class ServerCore;

// Recycled: open() begins a new life. Between close() and the loop's next turn a watched one still belongs to
// libuv.
class Connection final : private Protocol::Host {
public:
    explicit Connection(ServerCore& server) : server_(server) { deadline_.owner = this; }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // `listener` outlives the server.
    void open(UniqueFd socket, const std::string& listener);
    // Once, after open(): goes on with what another worker had read and not consumed, and with what is here
    // already; may be over when it returns.
    void begin(std::string_view unconsumed, bool fresh);
    // Closed, and libuv was never asked to watch it.
    bool over() const { return !socket_ && !watched_; }

    // Lets go of what is left of a life that is over.
    void reset() { protocol_.reset(); }

    // Closes at once, without ceremony.
    void close();
    // Something outside has changed: hands itself over to the successor if that is possible now.
    void look_again() { settle(); }
    // Nothing is going on: puts itself back for a peer; true when it has gone.
    bool put_back();
    // Ends in order what is not in the midst of something, after a last look for bytes that have come.
    void end_if_idle();
    // Ends in order, whatever is going on: the time is up.
    void end_at_deadline();
    void time_out();

    worker::Ended ended() const;
    std::size_t index = 0;  // in the server's list

    struct OwnedDeadline : Deadline {
        Connection* owner = nullptr;
    };

private:
    void changed() override { settle(); }
    std::size_t send_now(std::string_view first, std::string_view second, std::string_view third) override;
    bool moves_on() const override;
    bool moves_now() const override;

    static void on_events(uv_poll_t* handle, int status, int events);
    bool watch();
    std::size_t most_to_read() const;
    void read();
    void send();
    void settle();
    bool can_move() const;
    bool move_on();
    template <typename Send>
    bool send_away(Send send);
    bool must_linger() const;
    void update_interest();
    void update_deadline();
    void shut_down();
    void reset_on_close();

    ServerCore& server_;
    uv_poll_t poll_{};
    UniqueFd socket_;
    const std::string* listener_ = nullptr;
    std::optional<Protocol> protocol_;
    OwnedDeadline deadline_;
    int interest_ = 0;          // UV_READABLE, UV_WRITABLE, or UV_PRIORITIZED alone
    std::uint64_t heads_ = 0;   // of the protocol's, when the deadline was set
    bool watched_ = false;      // poll_ is libuv's
    std::size_t lingered_ = 0;  // bytes read and dropped since shut_down()
    bool fresh_ = false;        // from a listener, and nothing has come on it yet
    bool blocked_ = false;      // the socket's send buffer is full
    bool progress_ = false;     // bytes moved since the deadline was set
    bool broken_ = false;       // reset by the client, or another error
    bool cut_ = false;          // ended by us before it was due
    bool shut_down_ = false;    // our side was ended, the client's may not be
    bool moved_ = false;        // another worker has it now
    bool immovable_ = false;    // the handoff refused this one
};

}  // namespace sup::http
