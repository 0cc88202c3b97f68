// What happens to the sockets that everybody shares: their health, what workers change of them, and who gets
// the clients.
#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "config/config.h"
#include "master/core/action.h"
#include "master/process/held_files.h"
#include "master/sockets/listener_steering.h"
#include "master/sockets/listener_watch.h"
#include "master/sockets/queue_watch.h"

namespace sup {

// Main thread only.
class SharedSockets {
public:
    struct Callbacks {
        // Those of every generation that is not gone.
        std::function<ListenerSteering::ByGeneration()> listeners;
        // Something that a person should know, in words.
        std::function<void(config::LogLevel, const std::string&)> say;
        // The same of what a worker may do in a loop.
        std::function<void(const std::string&)> say_again;
    };
    SharedSockets(uv_loop_t* loop, Callbacks callbacks);
    SharedSockets(const SharedSockets&) = delete;
    SharedSockets& operator=(const SharedSockets&) = delete;

    // Notices from now on when one of these is shut down.
    void watch(const Listeners& listeners);
    // Who serves now: clients go there, and those listeners are kept alive.
    void steer(const core::Serving& serving);
    // A generation is gone: its sockets are, too.
    void released();
    // What the loop would be told of soon: what a worker has shut down listens again.
    void mend();

    // The settings of `active` apply. Clients that belong there come no more to what they replaced.
    void promote(const Listeners& active);
    // Sets back what workers have changed of `listeners`, or as they are in `active`, which serves.
    void restore(const Listeners& listeners, const Listeners& active);
    // How O_NONBLOCK is now, for restore_nonblock(). With `keep`, what was noted before counts where there is
    // something.
    void note_nonblock(bool keep);
    // What never came to serve may have left its own on the shared sockets, which the workers that still
    // serve may not expect.
    void restore_nonblock(const Listeners& listeners);

    // Looks at the queues of the generation that is active.
    void look();
    // Why a listener does not serve, in words; nothing when it does.
    std::string problem_of(const Listener& listener) const;
    // The end: nothing is watched any more.
    void stop();

private:
    Listeners held() const;
    Listeners wanted() const;
    Listeners active() const;
    void listen_again(const std::shared_ptr<const ListeningSocket>& socket);
    void hide_what_is_in_the_way_of(const Listeners& kept);
    void follow_steering();
    void warn(const Status& status) const;

    Callbacks callbacks_;
    core::Serving serving_;  // as the core said last
    ListenerSteering steering_;
    std::unique_ptr<ListenerWatch> watch_;  // null: it could not be had
    QueueWatch queues_;
    // O_NONBLOCK before the reload that runs, or before the first of those that failed and still leave.
    std::map<FileId, bool> nonblock_before_;
};

}  // namespace sup
