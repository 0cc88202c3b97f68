// A protocol of your own on a worker's listeners. New connections come from the listeners, and others from
// workers of an earlier generation that drain, or of this one that have too many; when this worker drains,
// its own go the same way. So a client keeps its connection across any number of reloads, and what you know
// about its session travels along.
//
//     sup::worker::Worker worker;
//     std::map<int, Session> sessions;  // each owns its Connection
//     sup::worker::Connections connections(worker, {.protocol = "chat", .writes = 2, .reads = {1, 2}}, {
//         .arrived = [&](sup::worker::Connection c) {
//             const int socket = c.socket();
//             sessions.emplace(socket, std::move(c));
//         },
//         .move = [&] { for each session between two messages: see Connection::hand_over() },
//         .end_idle = [&] { end each session between two messages, the others once they are },
//         .end_all = [&](std::chrono::milliseconds) { end every session },
//     });
//     return worker.run();
//
// Everything here belongs to the thread that calls Worker::run(), and aborts on any other.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sup::worker {

class Worker;
class ConnectionsCore;

enum class HandOver {
    done,        // it belongs to another worker now, and the Connection is empty
    later,       // no room at the moment: keep serving it; `move` is called when there is room
    impossible,  // nobody can take it: end it as soon as that does the client no harm
};

// What a release speaks, in terms that releases before and after it understand.
struct Spoken {
    std::string protocol;  // "chat": what the clients speak, the same in every release that serves them
    unsigned writes = 1;   // the version of the state and unread bytes that you give to hand_over()
    std::vector<unsigned> reads = {1};  // the versions that this release can resume from
};

// One client's connection: owns its socket, and counts as open until it ends, which happens once, by
// whichever comes first: close(), a hand_over() that returns `done`, a put_back() that returns true, or the
// destructor. An empty one (moved from, or ended) has the socket -1, and every call on it does nothing and
// says so.
class Connection {
public:
    Connection() noexcept;
    ~Connection();
    Connection(Connection&& other) noexcept;
    // Ends the connection that was held here.
    Connection& operator=(Connection&& other) noexcept;

    explicit operator bool() const noexcept { return held_ != nullptr; }

    // Connected, non-blocking, close-on-exec; do not close it yourself. -1 when empty.
    int socket() const;
    // The name of the listener that it came in through, in whatever generation.
    const std::string& listener() const;
    // Straight from the listener: nothing has been sent on it yet. Otherwise it comes from another worker.
    bool fresh() const;

    // Bytes that another worker has read from the client but not used: use them as if you had just read them,
    // before what the socket has. Returned once, then empty.
    std::string take_unread();
    // What that worker said about the session (hand_over()), in version state_version() of `Spoken`. Returned
    // once, then empty.
    std::string take_state();
    unsigned state_version() const;

    // Hands it to the next generation: `unread` is what you have read but not used, `state` what your
    // successor must know about the session, at most 64 KiB together. Stop watching the socket first (remove
    // it from epoll, stop its uv_poll_t): the receiver may use it before this returns. If it returns `later`,
    // watch and serve it again.
    HandOver hand_over(std::string_view unread = {}, std::string_view state = {});
    // The same, but to the peers in this generation; for `spare`. False: nothing has changed.
    bool put_back(std::string_view unread = {}, std::string_view state = {});
    // Whether it will continue in another worker, now or once there is room. Only while the worker drains.
    bool moves_on() const;

    // Closes the socket. If the worker's drain has passed its deadline it counts as closed by that, else as
    // ended cleanly.
    void close();

    // Reports how many requests, messages or whatever you count were answered: `requests` in the status.
    void answered(std::size_t count = 1);

private:
    friend class ConnectionsCore;
    struct Held;
    explicit Connection(std::unique_ptr<Held> held) noexcept;
    void check_thread(const char* what) const;

    std::unique_ptr<Held> held_;
};

// What they throw is reported on stderr, and costs no other connection.
struct ConnectionHandlers {
    // A connection is yours. If this throws, the connection is lost, unless you have stored it. While the
    // worker drains some still arrive: from a listener's queue that nobody else will serve, from another
    // worker, by an upgrade. They need nothing special: `move`, and when it is time for them `end_idle` or
    // `end_all`, is called again in the loop's next turn.
    std::function<void(Connection)> arrived;

    // The worker drains, or it is draining and there is room again or a different successor: hand over every
    // connection that is between two messages, and the others once they are. If that is impossible, end
    // each as soon as that does its client no harm. Without this handler nothing is handed over.
    std::function<void()> move = {};

    // The worker drains, and nobody takes over: sup stops, or the next release cannot read the state. End
    // what is idle, and the rest when it is.
    std::function<void()> end_idle = {};

    // The time is up: end everything, cleanly as far as that takes no longer than `left`. What is still
    // open a moment after that ends with run().
    std::function<void(std::chrono::milliseconds left)> end_all = {};

    // This worker has more connections than its peers: put back up to `count` idle ones.
    std::function<void(std::size_t count)> spare = {};

    // New connections are waiting, and descriptors are short or Options::max_connections are open: cleanly
    // end up to `count` connections, those that have been idle longest. Called again, every 100 ms, while
    // they wait.
    std::function<void(std::size_t count)> make_room = {};
};

// Which listeners a protocol is served on.
class ListenerChoice {
public:
    static ListenerChoice all() { return ListenerChoice(true, {}); }
    // None of its own: connections come from other workers, or from upgrades of HTTP connections.
    static ListenerChoice none() { return ListenerChoice(false, {}); }
    // The named ones, or all when none is named. One that does not exist is a failure that run() reports.
    ListenerChoice(std::vector<std::string> names)  // NOLINT(*-explicit-*)
        : all_(names.empty()), names_(std::move(names)) {}

    bool is_all() const { return all_; }
    const std::vector<std::string>& names() const { return names_; }

private:
    ListenerChoice(bool all, std::vector<std::string> names) : all_(all), names_(std::move(names)) {}

    bool all_;
    std::vector<std::string> names_;
};

class Connections {
public:
    // A listener is served by the first that asks for it. The worker must outlive this. Connections that
    // outlive it stay yours, are no longer counted, and cannot be handed over.
    Connections(Worker& worker, Spoken spoken, ConnectionHandlers handlers,
                const ListenerChoice& listeners = ListenerChoice::all());
    ~Connections();
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    std::size_t open() const;

private:
    friend struct Internals;

    std::shared_ptr<ConnectionsCore> core_;
};

}  // namespace sup::worker
