// The control socket's master side: serves any number of short calls and a bounded number of clients, and
// never lets a client block the master.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "master/core/event.h"

namespace sup::control {

// Answers one call with its result, as JSON on one line. May be called at once or later, once (further calls
// do nothing), also when the client has gone, also after the server was closed or destroyed. From the loop's
// thread only.
using Reply = std::function<void(std::string_view result)>;

// What the master can be asked for. Called from the loop.
class ControlHandler {
public:
    virtual ~ControlHandler() = default;

    virtual std::string status() = 0;  // JSON on one line
    virtual void reload(core::WaitFor wait, Reply reply) = 0;
    virtual void stop(bool now, Reply reply) = 0;
};

// Listens from creation to close(). Idle, it costs nothing: no timer, no thread.
class ControlServer {
public:
    struct Limits {
        // Of those who wait for no outcome. One more is always let in, in the place of the one that misses it
        // least: the oldest that is idle, else the oldest subscriber.
        std::size_t clients = 64;
        // Beside them, who wait for a reload. Beyond the first `clients` of these half of the process's
        // descriptors stays free, since a generation needs about as many as those before it. The reload of
        // one more is done and not waited for: ErrorCode::not_awaited. Who asks for a stop may always wait;
        // nothing new is started after it.
        std::size_t waiters = 4096;
        std::size_t unread_bytes =
            4 * 1024 * 1024;  // an event for a client that has left this much unread drops it
    };

    // Binds `path` (0600) and replaces a stale socket there in one step. Only root and this process's own
    // user are served. The handler must outlive the server.
    static Result<ControlServer> listen(uv_loop_t* loop, const std::string& path, ControlHandler& handler);
    static Result<ControlServer> listen(uv_loop_t* loop, const std::string& path, ControlHandler& handler,
                                        Limits limits);

    ControlServer(ControlServer&&) noexcept;
    ControlServer& operator=(ControlServer&&) noexcept;
    ~ControlServer();  // as close(), without waiting for anybody

    // To subscribers, and to callers that wait for a reload or a stop. `event` is JSON on one line.
    void broadcast(std::string_view event);
    // Whether there is anybody to broadcast to.
    bool has_audience() const;

    // Where somebody has removed the socket's path: makes it again; clients stay. False: it is where it was,
    // or the server was closed.
    Result<bool> restore();

    // The end: removes the socket's path, gives clients up to half a second in all to read what they were
    // already sent (a reply that was never given is not waited for), and lets them go.
    void close();

private:
    class Impl;
    explicit ControlServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace sup::control
