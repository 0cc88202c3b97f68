// The life of a worker process: inherited listeners, readiness, drain. Speaks systemd's conventions
// (LISTEN_FDS, NOTIFY_SOCKET), so the same program runs under sup, under systemd, or by hand.
//
//     int main() {
//         sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});
//         sup::http::Server server(worker, [](sup::http::Request& request, sup::http::Response response) {
//             if (request.path() == "/") {
//                 response.send(200, "hello\n");
//             } else {
//                 response.send(404, "not here\n");
//             }
//         });
//         return worker.run();
//     }
//
// A worker and what is built on it belong to one thread, the one that calls run() ("the loop"). What may be
// called from other threads says so; everything else aborts there with a message that says what to do
// instead.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

struct uv_loop_s;

namespace sup::worker {

struct Options {
    // Where to listen when no descriptor was inherited: "127.0.0.1:8080", "[::1]:80", "*:80" (IPv6 and IPv4).
    // Port 0 lets the kernel choose.
    std::vector<std::string> listen = {};

    // If false, the worker neither accepts nor sends READY=1 until ready() is called: for services that warm
    // up first.
    bool ready_at_start = true;

    // SIGTERM, SIGQUIT and the signal that SUP_DRAIN_SIGNAL names start the drain; run by hand, so does
    // SIGINT, and a second one then ends the process without waiting. SIGPIPE is ignored, so that writing to
    // a client or pipe that has gone is an error (EPIPE) and does not end the process; programs that you
    // start inherit that, except through uv_spawn(). If false, all dispositions are left alone; call drain().
    bool handle_signals = true;

    // How many connections may be open at a time, for all servers and protocols of this worker together; 0:
    // as many as there are descriptors. At the limit newcomers wait in the listener's queue until another
    // worker takes them or a connection ends here; the one that has been idle longest is ended for them
    // (keep-alive connections of HTTP, and what ConnectionHandlers::make_room picks). Connections that come
    // from other workers, for example at a reload, count, but are always served; those that were ended and
    // only wait for the client to close do not count; and a drain takes what waits in a queue that nobody
    // else will serve.
    std::size_t max_connections = 0;

    // How long a drain may take if SUP_DRAIN_TIMEOUT_MS does not say so. Shortly before its end (a tenth of
    // it, but at least 500 ms and at most 5 s, and never more than half of it) what is still open is closed
    // cleanly, or reset where the client would mistake a part of its answer for the whole.
    std::chrono::milliseconds drain_timeout{30'000};

    // Called once in the loop's thread when the worker has begun serving.
    std::function<void()> on_ready = {};
};

struct ListenerInfo {
    std::string name;     // from LISTEN_FDNAMES, or "listen0", "listen1"…
    std::string address;  // as bound: "127.0.0.1:8999", "[::1]:80", "unix:/run/x.sock"
    // For datagrams (UDP, unix): yours to receive from and send with while the worker lives; watch it on
    // Worker::loop() and expect EAGAIN, because peers also receive from it. For streams, which the servers
    // accept from: -1.
    int socket = -1;
};

// What a worker knows when its drain begins.
struct Drain {
    std::chrono::milliseconds left;  // until what is still open is closed
    bool successor;  // a reload: clients that connect again are served. False: the service stops
};

class Core;
struct Internals;

// One per process (it takes LISTEN_* and NOTIFY_SOCKET out of the environment). Must outlive the servers
// built on it.
class Worker {
public:
    // Takes the inherited listeners or binds its own, and raises the soft descriptor limit to the hard one.
    // Call it before other threads start: it changes the environment. A failure is reported by run().
    explicit Worker(Options options = {});
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Serves until drained. Returns the process's exit code: 0 when every connection has ended cleanly or at
    // the drain deadline, 1 when the worker could not start, or could not tell sup that it is ready (the
    // reason is on stderr).
    int run();

    // Starts accepting and sends READY=1; only needed with ready_at_start = false.
    void ready();

    // Begins the drain, as the drain signal does. May be called from any thread and from a signal handler.
    void drain();

    // Calls back in the loop when the drain begins, before connections move or end: once, and at once if the
    // drain has already begun. Every callback that was set is called.
    void on_drain(std::function<void(const Drain&)> begun);

    // May be called from any thread, even before run(). True: `task` runs in the loop, after those that were
    // posted before it, and is destroyed there. What is left when run() is about to return runs then; it does
    // not run only if run() fails or is never called. What it throws is reported on stderr. False: run() has
    // returned, and `task` was destroyed here, in the calling thread: so it must not hold anything that may
    // only be destroyed in the loop, such as a Response.
    bool post(std::function<void()> task);

    // `work` runs on libuv's pool (4 threads, or UV_THREADPOOL_SIZE in the environment), then `done` in the
    // loop. Both are destroyed in the loop, so `done` may hold a Response; `work` must not touch one. What
    // `work` throws is reported on stderr, and `done` is then dropped without a call: a Response in it
    // answers 500. The drain waits for work as it does for connections, up to its deadline; then `done` is
    // dropped as well. Work that is running at that moment continues, and ~Worker() waits for it.
    void offload(std::function<void()> work, std::function<void()> done);
    // The same, but `done` takes what `work` returns.
    template <typename Work, typename Done>
    requires(!std::is_void_v<std::invoke_result_t<Work&>>) void offload(Work work, Done done);

    // One line for `sup status` (sd_notify's STATUS=).
    void status(std::string_view text);

    bool draining() const;
    // Neither changes; any thread.
    unsigned generation() const;  // SUP_GENERATION, 0 without sup
    const std::vector<ListenerInfo>& listeners() const;

    // For timers, descriptors and child processes of your own. They do not keep run() from returning: only
    // the worker's connections do. uv_close() them before the worker is destroyed; its destructor then calls
    // back for each. What is still open is named on stderr and left alone: nothing waits for it, and its
    // callbacks are no longer called.
    uv_loop_s* loop();

private:
    friend struct Internals;

    std::unique_ptr<Core> core_;
};

template <typename Work, typename Done>
requires(!std::is_void_v<std::invoke_result_t<Work&>>) void Worker::offload(Work work, Done done) {
    struct Both {
        Work work;
        Done done;
        std::optional<std::invoke_result_t<Work&>> result;
    };
    const auto both = std::make_shared<Both>(Both{std::move(work), std::move(done), std::nullopt});
    offload(std::function<void()>([both] { both->result.emplace(both->work()); }),
            std::function<void()>([both] { both->done(std::move(*both->result)); }));
}

}  // namespace sup::worker
