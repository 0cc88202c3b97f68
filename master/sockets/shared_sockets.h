// What happens to the sockets that all workers share: their health, what workers change about them, and who
// gets the clients.
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
        // The same for what a worker may do in a loop.
        std::function<void(const std::string&)> say_again;
    };
    SharedSockets(uv_loop_t* loop, Callbacks callbacks);
    SharedSockets(const SharedSockets&) = delete;
    SharedSockets& operator=(const SharedSockets&) = delete;

    // From now on notices when one of these is shut down.
    void watch(const Listeners& listeners);
    // Who serves now: clients go there, and those listeners are kept alive.
    void steer(const core::Serving& serving);
    // A generation is gone, and with it its sockets.
    void released();
    // Handles at once what the loop would report soon: a socket that a worker has shut down listens again.
    void mend();

    // Applies the settings of `active`. Its clients no longer come to the sockets that it replaced.
    void promote(const Listeners& active);
    // Restores what workers have changed on `listeners`; sockets that the serving `active` also has become as
    // it wants them.
    void restore(const Listeners& listeners, const Listeners& active);
    // Notes O_NONBLOCK as it is now, for restore_nonblock(). With `keep`, what was noted before is kept.
    void note_nonblock(bool keep);
    // A generation that never served may have left its own setting on the shared sockets, which the workers
    // that still serve may not expect.
    void restore_nonblock(const Listeners& listeners);

    // Looks at the queues of the generation that is active.
    void look();
    // Why a listener does not serve, in words; empty when it does.
    std::string problem_of(const Listener& listener) const;
    // The end: stops watching.
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
    core::Serving serving_;  // as the core last said
    ListenerSteering steering_;
    std::unique_ptr<ListenerWatch> watch_;  // null: it could not be made
    QueueWatch queues_;
    // O_NONBLOCK before the reload that runs, or before the first of those that failed and still leave.
    std::map<FileId, bool> nonblock_before_;
};

}  // namespace sup
