// A protocol of your own on a worker's listeners. New connections come from the listeners, and others from
// workers of an earlier generation that drain, or of this one that have too many; when this worker drains,
// its own go the same way. So a client keeps its connection over any number of reloads.
//
//     sup::worker::Worker worker;
//     std::map<int, Session> sessions;
//     sup::worker::Connections connections(worker, "chat/1", {
//         .arrived = [&](sup::worker::Arrived a) { sessions.emplace(a.socket, Session(a.listener,
//         a.unconsumed)); }, .move = [&] { for each session that is between two messages: see hand_over() },
//         .end_all = [&](std::chrono::milliseconds) { end every session },
//     });
//     return worker.run();
//
// Everything belongs to the thread that calls Worker::run().
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

struct Arrived {
    int socket = -1;         // connected, non-blocking, close-on-exec; yours to close from now on
    std::string listener;    // the name of the listener that it came by, in whatever generation
    std::string unconsumed;  // read from the client before it came here: use it as if you had just read it
};

enum class HandOver {
    done,        // it is somebody else's now; the socket was closed here
    later,       // no room at the moment: keep serving it; `move` is called when there is room
    impossible,  // nobody takes it: end it after its next answer
};

// None may throw: it would end the worker, through libuv.
struct ConnectionHandlers {
    std::function<void(Arrived)> arrived;

    // The worker drains, or has done so and there is room again, or another successor: hand over every
    // connection that is between two messages, and the others once they are. Where that is impossible, end
    // each as soon as it would do its client no harm. Without this handler nothing is handed over.
    std::function<void()> move;

    // The worker drains, and nobody takes over (sup stops): end what is idle, and the rest when it is.
    std::function<void()> end_idle;

    // The time is up: end everything, in order as far as that takes no longer than `left`.
    std::function<void(std::chrono::milliseconds left)> end_all;

    // This worker has more connections than its peers: call put_back() for up to `count` idle ones.
    std::function<void(std::size_t count)> spare = {};
};

class Connections {
public:
    // `protocol` is how workers of other generations know what is spoken ("chat/1"): change it when they
    // would not understand the unconsumed bytes, or what the client expects next. Serves the named listeners,
    // or all. The worker must outlive this.
    Connections(Worker& worker, std::string protocol, ConnectionHandlers handlers,
                const std::vector<std::string>& listeners = {});
    ~Connections();
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    // Whether a connection of this listener will go on elsewhere, now or once there is room. Only while
    // draining.
    bool moves_on(const std::string& listener) const;

    // Hands a connection to the next generation, with at most 64 KiB that you have read and not used. Nothing
    // may watch the socket any more (remove it from epoll, stop its uv_poll_t): whoever receives it may use
    // it before this returns. While it is `later`, watch and serve it again.
    HandOver hand_over(int socket, const std::string& listener, std::string_view unconsumed = {});

    // The same towards the peers of this generation; for `spare`. False: nothing has changed.
    bool put_back(int socket, const std::string& listener, std::string_view unconsumed = {});

    // You have closed a connection. The worker's exit waits for all of them.
    void closed(bool at_deadline = false);

    std::size_t open() const;

private:
    std::unique_ptr<ConnectionsCore> core_;
};

}  // namespace sup::worker
