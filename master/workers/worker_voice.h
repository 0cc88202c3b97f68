// What a worker says: on its notify socket, by einhorn's ack, or by a newline. Only its own processes are
// heard.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "config/config.h"
#include "master/notify/ack_socket.h"
#include "master/notify/hearing.h"
#include "master/notify/notify_socket.h"
#include "master/notify/ready_pipe.h"
#include "master/workers/drain_target.h"

namespace sup {

// Main thread only.
class WorkerVoice {
public:
    // Called from the loop or from deliver(). None may destroy the voice.
    struct Callbacks {
        std::function<void()> ready;
        std::function<void(UniqueFd)> channel;    // it offers one
        std::function<void(Duration)> extension;  // it wants more time
        std::function<void(const std::string&)> trouble;
    };
    struct Places {
        std::string notify_socket;  // path
        std::string ack_socket;     // path; used where the worker is told the einhorn way
    };
    // Before the worker is born, so that it finds where to speak.
    static Result<std::unique_ptr<WorkerVoice>> open(uv_loop_t* loop, const Places& places,
                                                     const config::Config& config, Callbacks callbacks);
    WorkerVoice(const WorkerVoice&) = delete;
    WorkerVoice& operator=(const WorkerVoice&) = delete;

    // The worker's end of the pipe for its newline, where it has one.
    std::optional<int> ready_end() const;
    // The worker is born. Both arguments outlive the voice.
    void born(Orphans& orphans, const WorkerMarks& marks);

    // Reads now what was said and not read yet.
    void deliver();
    bool said_ready() const noexcept { return said_ready_; }
    const std::string& status_text() const noexcept { return status_text_; }
    // Its pid may be another process's from now on.
    void worker_was_reaped() { hearing_->worker_was_reaped(); }
    // Stops listening to it; what is known stays known.
    void close();

    // Who gets the drain signal.
    const DrainTarget& target() const noexcept { return target_; }

private:
    // What is said of it once.
    enum class Trouble { stranger, main_pid };
    WorkerVoice(uv_loop_t* loop, const config::Config& config, Callbacks callbacks);
    Status open_others(const Places& places);
    void handle(Notification notification);
    bool hears(const Sender& sender);
    void note_sender(const Notification& notification);
    void became_ready();
    void tell_once(Trouble kind, const std::string& text);

    uv_loop_t* loop_;
    config::Ready ready_;
    bool speaks_einhorn_;
    Callbacks callbacks_;
    std::unique_ptr<NotifySocket> notify_;
    std::unique_ptr<AckSocket> ack_;
    std::unique_ptr<ReadyPipe> ready_pipe_;
    std::unique_ptr<Hearing> hearing_;  // once it is born
    DrainTarget target_;
    std::string status_text_;
    bool said_ready_ = false;
    std::set<Trouble> told_;
    Orphans* orphans_ = nullptr;
    const WorkerMarks* marks_ = nullptr;
};

}  // namespace sup
