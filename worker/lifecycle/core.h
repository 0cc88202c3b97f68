// What stands behind Worker: the loop, the listeners and their acceptors, the notifications, and the drain.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/uv.h"
#include "sup/worker.h"
#include "worker/lifecycle/acceptor.h"
#include "worker/lifecycle/channel.h"
#include "worker/lifecycle/environment.h"
#include "worker/lifecycle/listener.h"
#include "worker/lifecycle/notify_client.h"
#include "worker/lifecycle/service.h"

namespace sup::worker {

class Core {
public:
    explicit Core(Options options);
    ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    int run();
    void ready();
    void drain_from_any_thread();
    void status(std::string_view text);
    bool draining() const { return draining_; }
    unsigned generation() const { return environment_.generation; }
    const std::vector<ListenerInfo>& listeners() const { return infos_; }
    uv_loop_t* loop() { return loop_.get(); }

    // Serves the named stream listeners (all of them when none is named) with `service`, which must be
    // removed before it goes. A listener is served by the first service that asks for it.
    void add(Service& service, const std::vector<std::string>& names);
    void remove(Service& service);
    void connection_closed();

private:
    // A stream listener with somebody to serve it.
    struct Served {
        Service* service;
        std::unique_ptr<Acceptor> acceptor;
    };

    void open_listeners();
    void watch_signals();
    void watch_signal(int number);
    void on_drain_signal();
    void tell_unserved() const;
    Status announce();
    void begin_drain();
    bool retired(const std::string& listener) const;
    bool has_successor() const;
    void arm_deadlines();
    void end_everything(Duration left);
    void check_finished();
    void report() const;
    std::size_t open_connections() const;

    Options options_;
    Environment environment_;
    NotifyClient notify_;
    std::optional<Error> failure_;  // to be reported by run()
    std::vector<Listener> listeners_;
    std::vector<ListenerInfo> infos_;

    uv::Loop loop_;
    std::vector<uv::Signal> signals_;
    std::unique_ptr<uv_async_t, void (*)(uv_async_t*)> drain_request_;
    std::unique_ptr<Channel> channel_;
    std::vector<Service*> services_;
    std::vector<Served> served_;
    uv::Timer grace_;
    uv::Timer deadline_;
    bool running_ = false;
    bool serving_ = false;
    bool draining_ = false;
    bool finished_ = false;
};

}  // namespace sup::worker
