// Finds listeners that nobody accepts from: the server opened a socket of its own and said READY=1, or it
// hangs. Looks when it is told to, and looks again only where something is waiting; idle, it does nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/uv.h"
#include "master/sockets/listener.h"
#include "master/sockets/queue_clients.h"

namespace sup {

// Told about a queue each time it was looked at. Its length says nothing: a busy server's queue always has
// the same length, and may be full. So it looks at the clients that wait, and whether they still wait some
// seconds later.
class QueueHistory {
public:
    // Asked only when something has waited for a while. Nothing: the kernel does not say.
    using AskClients = std::function<std::optional<QueueClients>()>;
    // `now`: by any clock that does not go back. `length`: zero when nothing is waiting.
    void saw_clients(Duration now, std::uint64_t length, const AskClients& clients);
    // For datagrams, which cannot be told apart.
    void saw_bytes(Duration now, std::uint64_t bytes);

    // Whether something has waited for seconds, and nothing was taken.
    bool unattended() const noexcept { return watched_ && watched_->unattended; }
    // Whether it must be looked at again to be sure.
    bool suspicious() const noexcept { return watched_ && !watched_->unattended; }
    // How many of the waiting clients have not been accepted since they were first seen.
    std::size_t clients_left() const noexcept { return watched_ ? watched_->clients.size() : 0; }

private:
    struct Watched {
        Duration since;  // nothing has been taken
        Duration due;    // when to ask again
        std::vector<std::uint64_t> clients;
        std::size_t gave_up = 0;
        std::uint64_t bytes = 0;
        bool asked = false;
        bool unattended = false;
    };
    void compare(Duration now, const QueueClients& clients);

    std::optional<Watched> watched_;
};

class QueueWatch {
public:
    using Told = std::function<void(const Listener& listener, const std::string& problem)>;
    // `listeners`: those that should be served now. `told` is called once for each that nobody accepts from,
    // and with an empty problem when it is accepted from again.
    QueueWatch(uv_loop_t* loop, std::function<Listeners()> listeners, Told told);

    // Does nothing if the last look was a moment ago.
    void look();
    // Stops looking.
    void stop() { timer_.cancel(); }
    // Some seconds from now, when the workers that were replaced have left.
    void look_later();
    // "nobody accepts from http: 37 clients wait", or nothing.
    std::string problem_of(const Listener& listener) const;

private:
    // Each by its first socket, which a reload keeps.
    using Key = std::weak_ptr<const ListeningSocket>;
    QueueHistory& saw(const Listener& listener, Duration now);
    void forget_all_but(const Listeners& listeners);

    uv_loop_t* loop_;
    std::function<Listeners()> listeners_;
    Told told_;
    std::optional<Duration> looked_at_;  // uv_now()
    std::map<Key, QueueHistory, std::owner_less<>> queues_;
    uv::Timer timer_;
};

}  // namespace sup
