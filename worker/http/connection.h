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
#include "worker/http/link.h"
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
    void open(UniqueFd socket, const std::string& listener, worker::From from);
    // Once, after open(): goes on with what another worker had read and not consumed, and with what is here
    // already; may be over when it returns.
    void begin(std::string_view unconsumed);
    // Closed, and libuv was never asked to watch it.
    bool over() const { return life_ == Life::over && !interest_; }

    // Lets go of what is left of a life that is over.
    void reset();

    // Closes at once, without ceremony. An answer that did not leave counts as cut, or as not taken.
    void close(Protocol::Doing whose = Protocol::Doing::the_clients);
    // Something outside has changed, or a handler did something: goes on with what is possible now.
    void look_again() { settle(); }
    // The worker drains: its handler may want to end its answer.
    void tell_drain();
    // Sends what it can, and no more.
    void flush();
    // Nothing is going on: puts itself back for a peer; true when it has gone.
    bool put_back();
    // Cleanly ends what is not in the middle of something, after a last look for bytes that have come; true
    // if it did.
    bool end_if_idle();
    // Ends cleanly, whatever is going on: the time is up.
    void end_at_deadline();
    void time_out();
    // Gives up a client that does not take its answer, because of that or in favour of others.
    void give_up(Protocol::Doing whose);
    // The bytes of its answers that wait in memory.
    std::size_t held() const { return protocol_ ? protocol_->output().size() : 0; }
    // Of its answers, what the client has: for comparing with later.
    std::int64_t taken() const { return link_.acknowledged(); }
    // While its answer waits: the client has taken next to nothing of it for so long.
    bool has_stalled_for(Duration time);

    // How it ended, once it has.
    worker::Ended ended() const { return ended_; }
    std::size_t index = 0;           // in the server's list
    std::size_t turn = not_in_turn;  // in the server's list of those scheduled
    static constexpr std::size_t not_in_turn = static_cast<std::size_t>(-1);

    struct OwnedDeadline : Deadline {
        Connection* owner = nullptr;
    };

private:
    enum class Life : std::uint8_t {
        serving,
        lingering,  // our side was ended, and the client's end is waited for
        over,
    };

    // What is waited for, and how much of it must be done for the patience to start again.
    struct Wait {
        Deadlines* queue = nullptr;  // none: for as long as it takes
        std::uint64_t done = 0;
        std::uint64_t quota = 1;
    };

    void schedule() override;
    std::size_t send_now(std::string_view first, std::string_view second, std::string_view third) override;
    bool moves_on() const override;
    bool moves_now() const override;
    int socket() const override { return link_.socket(); }
    std::string_view listener() const override { return *listener_; }

    static void on_events(uv_poll_t* handle, int status, int events);
    bool watch();
    bool fresh() const;
    std::size_t most_to_read() const;
    void read();
    void read_away(std::size_t count);
    void send();
    void send_file();
    void settle();
    bool can_move() const;
    bool move_on();
    template <typename Send>
    bool send_away(Send send);
    bool must_linger() const;
    void hand_to_new_owner();
    void unwatch();
    void linger();
    int wanted_events() const;
    void update_interest();
    Wait wait() const;
    void set_deadline(const Wait& wait);
    void update_deadline();
    bool takes_its_answer();

    ServerCore& server_;
    uv_poll_t poll_{};
    std::optional<int> interest_;  // events that libuv watches for; nothing when poll_ is not libuv's
    Link link_;
    Life life_ = Life::over;
    worker::Ended ended_ = worker::Ended::in_order;
    worker::From from_ = worker::From::listener;
    bool immovable_ = false;  // the handoff refused this one
    const std::string* listener_ = nullptr;
    std::optional<Protocol> protocol_;
    OwnedDeadline deadline_;
    std::uint64_t done_ = 0;         // Wait::done when the deadline was set
    std::int64_t acknowledged_ = 0;  // of the answer, then, where that is waited for
    std::size_t lingered_ = 0;       // bytes read and dropped while lingering
};

}  // namespace sup::http
