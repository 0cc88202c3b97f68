// One worker: its process, its voice, its output, its channel, and what it leaves behind.
#pragma once

#include <sys/resource.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "master/notify/output_capture.h"
#include "master/notify/worker_environment.h"
#include "master/process/child_watch.h"
#include "master/process/leftovers.h"
#include "master/releases/generation.h"
#include "master/spawn/spawn.h"
#include "master/workers/worker_link.h"
#include "master/workers/worker_voice.h"

namespace sup {

// Main thread only. Destroying it while the process lives SIGKILLs the process's group.
class WorkerProcess {
public:
    struct Spec {
        std::shared_ptr<const Generation> generation;
        std::optional<int> inherited_output;  // where its output is not captured; none: the master's own
        core::Slot slot = 0;
        std::string notify_socket;  // path
        std::string ack_socket;     // path; used where the worker is told the einhorn way
        std::optional<std::size_t> scoreboard_row;
        rlimit descriptor_limit{};
        std::optional<BirthNote> note;
        OutputTurns* turns = nullptr;  // where its output is captured; outlives the worker
        Orphans* orphans = nullptr;    // outlives the worker
    };
    // Called from the loop, never from within start(). None but finished may destroy the worker.
    struct Callbacks {
        std::function<void()> ready;
        std::function<void()> opened_channel;  // it has its inbox; comes before ready unless that had to wait
        std::function<void(Duration)> extended_timeout;
        std::function<void(OutputStream, std::string_view)> line;
        std::function<void(const std::string&)> trouble;  // something that a person should know, in words
        std::function<void(const ExitReport&)>
            exited;  // once; all of its notifications and output came before
        // What it has left behind has been ended, but for these, which cannot be; comes after exited.
        std::function<void(const std::vector<ProcessStat>&)> ended_leftovers;
        // Once, after exited: nobody holds its output any more, and nothing that it left is being ended.
        std::function<void()> finished;
        // Whether a process without any worker's marks can only belong to this worker.
        Orphans::IsOnlyItsOwn is_only_its_own;
    };
    // The error says what failed and names the command.
    static Result<std::unique_ptr<WorkerProcess>> start(uv_loop_t* loop, const Spec& spec,
                                                        Callbacks callbacks);
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;

    core::GenerationId generation_id() const noexcept { return generation_id_; }
    // Until release_generation().
    const Generation& generation() const noexcept { return *spec_.generation; }
    // The process has exited and its generation is released: its sockets must close, even while a descendant
    // of the worker keeps this object alive.
    void release_generation();
    core::Slot slot() const noexcept { return spec_.slot; }
    pid_t pid() const noexcept { return marks_.pid; }
    // Whether its process has written its note.
    bool noted() const noexcept { return noted_; }
    const std::string& status_text() const noexcept { return voice_->status_text(); }
    std::vector<std::string> last_lines() const;
    bool finished() const noexcept { return output_ == nullptr && leftovers_ == nullptr; }
    // Delivers what the worker has said and was not read yet; does nothing once the worker was ready.
    void deliver_readiness();
    // Whether the master has told it to end, so that its exit is expected.
    bool told_to_end() const noexcept { return told_to_end_; }
    // Nobody wanted its end: it was not told to end, or has died of a signal that sup did not send.
    bool died(const core::ExitStatus& status) const;

    std::optional<std::size_t> reserved_row() const noexcept { return spec_.scoreboard_row; }
    // Its row of the generation's scoreboard; null before it spoke the channel, and where there was no row
    // left.
    const ScoreboardRow* scoreboard_row() const;

    // The channel's packet, where there is a channel, and then the drain signal to the main process. `inbox`
    // may be null: nobody takes over its connections.
    void drain(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox, SpokenByAll spoken);
    // Why it cannot be signalled, in words; nothing where it can. Asked with signal 0.
    std::optional<std::string> out_of_reach() const;
    // What is odd about the process that said it is ready, or about the one that the drain signal will end,
    // in words.
    std::optional<std::string> odd_main_process() const;
    // It is ready: what it leaves behind now gets time to end by itself.
    void was_ready();
    // Whether the process has been reaped; `exited` comes when its last words have been read.
    bool reaped() const { return watch_->reaped(); }
    bool exited() const noexcept { return exit_reported_; }
    bool is_its_own(const ProcessStat& process) const { return spec_.orphans->belongs_to(process, marks_); }
    // What was still left of it when it exited, in words; empty: nothing.
    const std::string& left_behind() const noexcept { return left_behind_; }
    bool ends_leftovers() const noexcept { return leftovers_ != nullptr; }
    bool is_ending(const ProcessStat& process) const {
        return leftovers_ != nullptr && leftovers_->has_found(process);
    }
    // When its process began, as ProcessStat::start_time: nothing older is its own.
    std::uint64_t began() const noexcept { return began_; }
    // What it has left gets no more time.
    void kill_leftovers();

    // Tells a worker that is already draining that its connections go elsewhere from now on.
    void redirect(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox, SpokenByAll spoken);
    bool has_channel() const noexcept { return link_.is_open(); }
    // What it says it can resume from (section 4 of docs/worker-protocol.md).
    SpokenByAll spoken() const { return link_.spoken(); }
    // The connections it has ended so far because its successor cannot resume from them; once it has exited,
    // until it is taken.
    const UnreadableConnections& unreadable() const { return link_.unreadable(); }
    // Its generation has a new inbox.
    void send_inbox();
    // Whether its output may be left unread while the log is full.
    void set_patient(bool patient);
    // SIGKILL to the whole group, and to what it has left. `refused`: it lives on, and nothing can be done.
    SignalOutcome kill();
    // It cannot be killed, and is no longer a worker: sup only waits for it to end.
    void abandon();
    // Where it serves, or served, in words: "http 127.0.0.1:8080, …".
    std::string listeners_text() const;
    // For the reaper of orphans: true when this process has ended and was reaped here.
    bool collect() { return watch_->collect(); }
    // Reports an exit that waits for the turn of its last words.
    void report_exit_now();

private:
    WorkerProcess(uv_loop_t* loop, Spec spec, Callbacks callbacks)
        : loop_(loop),
          spec_(std::move(spec)),
          generation_id_(spec_.generation->id),
          callbacks_(std::move(callbacks)),
          link_(loop, {.opened = [this] { callbacks_.opened_channel(); },
                       .trouble = [this](const std::string& what) { callbacks_.trouble(what); }}) {}
    WorkerVoice::Callbacks voice_callbacks();
    Status open_output();
    WorkerVariables variables() const;
    SpawnRequest spawn_request() const;
    Status spawn_process();
    void note_output_pipes();
    void note_its_own();
    void ended();
    void extend(Duration extension);
    SignalOutcome send_drain_signal();
    void end_leftovers();
    void leftovers_ended();
    void conclude_exit();
    void report_exit();
    void handle_exit(const ExitReport& report);
    void report_if_finished();

    uv_loop_t* loop_;
    Spec spec_;
    core::GenerationId generation_id_;
    Callbacks callbacks_;
    WorkerMarks marks_;
    std::uint64_t began_ = 0;
    bool noted_ = false;
    std::unique_ptr<WorkerVoice> voice_;
    WorkerLink link_;
    std::unique_ptr<OutputCapture> output_;
    std::vector<std::string> last_words_;  // once the output has closed
    std::unique_ptr<ChildWatch> watch_;
    bool was_ready_ = false;
    bool told_to_end_ = false;
    bool refused_extension_ = false;  // and said so
    bool killed_ = false;
    std::optional<ExitReport> exit_report_;
    bool exit_reported_ = false;
    std::string left_behind_;
    std::string served_;                    // once the generation is released
    std::unique_ptr<Leftovers> leftovers_;  // while there are any that can be ended
};

}  // namespace sup
