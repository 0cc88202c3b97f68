// The shell's heart: turns callbacks into events, steps the core, and performs what it says. It decides
// nothing.
#pragma once

#include <sys/resource.h>

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/uv.h"
#include "master/control/server.h"
#include "master/core/supervisor.h"
#include "master/desk/report.h"
#include "master/desk/requests.h"
#include "master/handoff/inbox_relay.h"
#include "master/ledger/ledger.h"
#include "master/log/log.h"
#include "master/log/paced_lines.h"
#include "master/process/orphan_reaper.h"
#include "master/releases/generation.h"
#include "master/runtime/instance_directory.h"
#include "master/runtime/live_record.h"
#include "master/sockets/listener_steering.h"
#include "master/sockets/listener_watch.h"
#include "master/sockets/queue_watch.h"
#include "master/workers/left_behind.h"
#include "master/workers/worker_process.h"

namespace sup {

// Main thread only.
class Instance final : public control::ControlHandler {
public:
    struct Options {
        config::Config config;  // the first generation's
        InstanceDirectory& directory;
        bool background = false;    // see MasterOptions
        bool sole_heir = false;     // every orphan that it gets is one of its workers'
        rlimit descriptor_limit{};  // the workers'
        UniqueFd report;            // see MasterOptions
        // Called once, when nothing is left: whatever else keeps the loop alive must let go of it.
        std::function<void()> on_exit;
    };
    Instance(uv::Loop& loop, Log& log, Options options);
    ~Instance() override;

    // Opens the control socket and asks the core for the first generation. An error leaves nothing behind.
    Status start();
    // Set when the core has said Exit.
    std::optional<int> exit_code() const noexcept { return exit_code_; }
    bool start_failed() const noexcept { return ledger_.failed_start().has_value(); }
    // After the loop has ended: tells a waiting `sup start` that it failed, when it did, and where the log
    // is.
    void report_failed_start(const std::string& log);

    // Signals.
    void reload_by_signal(const char* name);
    void stop_by_signal(const char* name);
    void stop_without_terminal();
    void add_worker() { post(core::AddWorkerRequested{}); }
    void remove_worker() { post(core::RemoveWorkerRequested{}); }
    void reopen_log(const char* signal);
    // For the reaper of orphans.
    OrphanReaper::Answer collect(pid_t pid);

    // control::ControlHandler
    std::string status() override;
    void reload(core::WaitFor wait, control::Reply reply) override;
    void stop(bool now, control::Reply reply) override;

private:
    core::TimePoint now();
    // Events are worked off in a turn of the loop of their own, so that no callback finds its caller gone.
    void post(core::Event event);
    void work_off();
    void await_deadline();
    void deadline_reached();

    void perform(const core::Steer& action);
    void perform(const core::Prepare& action);
    void perform(const core::Spawn& action);
    void perform(const core::Drain& action);
    void perform(const core::OfferInbox& action);
    void perform(const core::CloseInbox& action);
    void perform(const core::ReopenInbox& action);
    void perform(const core::ForwardInbox& action);
    void perform(const core::Kill& action);
    void perform(const core::Promote& action);
    void perform(const core::GiveUp& action);
    void perform(const core::NoteSockets& action);
    void perform(const core::RestoreSockets& action);
    void perform(const core::SetPatience& action);
    void perform(const core::Release& action);
    void perform(const core::Reply& action);
    void perform(const core::GenerationChanged& action);
    void perform(const core::WorkerChanged& action);
    void perform(const core::RestartScheduled& action);
    void perform(const core::ReloadWaits& action);
    void perform(const core::CountChanged& action);
    void perform(const core::Exit& action);
    void end_if_nothing_is_left();
    bool ends_leftovers_before(std::optional<core::GenerationId> generation) const;
    void answer_due();
    void kill_leftovers();

    // instance_inboxes.cpp
    void relay(core::GenerationId from, std::shared_ptr<const Inbox> inbox, core::GenerationId to);
    void tell_relayed(core::GenerationId from, core::GenerationId to, const InboxRelay::Outcome& outcome);
    void tell_discarded(core::GenerationId generation, std::size_t connections);
    void discard_inbox(core::GenerationId generation);
    SpokenByAll spoken_by(std::optional<core::GenerationId> generation) const;

    // instance_listeners.cpp: what happens to sockets that everybody shares.
    void watch_listeners();
    void listener_shut_down(const std::shared_ptr<const ListeningSocket>& socket);
    void mend_listeners();
    void hide_replaced_sockets(const Listeners& kept);
    Listeners wanted_listeners() const;
    Listeners active_listeners() const;
    std::string problem_of(const Listener& listener) const;

    WorkerProcess::Callbacks callbacks_for(core::WorkerId id,
                                           const std::shared_ptr<const Generation>& generation,
                                           core::Slot slot);
    void worker_exited(core::WorkerId id, const ExitReport& report);
    bool is_nobody_elses(core::WorkerId id, const ProcessStat& process);
    bool is_somebodys(const ProcessStat& process);
    bool never_served(core::GenerationId generation) const;
    void name_orphans_since(const WorkerProcess& worker);
    std::string listeners_held_by(const ProcessStat& process);
    void tell_odd_main_process(core::GenerationId generation);
    std::vector<pid_t> main_processes() const;
    void forget_worker(core::WorkerId id);
    void abandon_worker(core::WorkerId id);
    void note_left_behind(const WorkerProcess& worker, const ProcessStat& process);
    void deliver_readiness();
    void look_at_workers();
    void tell_changes(const Generation& generation);
    Result<config::Config, struct PreparationFailure> next_config();
    Result<std::shared_ptr<const Generation>, struct PreparationFailure> prepare(core::GenerationId id);
    // What somebody has removed of the instance's folder is made again. An error: the folder cannot be.
    Status put_files_back();
    Status open_next_log(core::GenerationId generation, const config::Config& config);
    void follow_log_settings(const config::Config& config);
    Listeners held_listeners() const;
    ListenerSteering::ByGeneration listeners_by_generation() const;
    std::optional<std::size_t> free_scoreboard_row(core::GenerationId generation) const;
    void count_connections(core::WorkerId id, WorkerProcess& worker, bool died);
    DrainTotals live_totals(core::WorkerId id) const;
    Ledger::Now ledger_now();
    void remove_retired_files(const Listeners& kept);
    Ledger::Words failure_words(const core::Reply& reply) const;
    std::string restoring_words(const core::Reply& reply) const;
    void restore_nonblock(const Listeners& listeners);
    static std::string hint_about(const WorkerProcess& worker);
    void warn(const Status& status);
    void steer_listeners();
    void tell_lost_queues(const Generation& generation);
    status::Picture picture();
    void announce(const status::Event& event);
    void record_problem(const Status& status);
    const Generation* find_generation(std::optional<core::GenerationId> id) const;
    WorkerProcess* find_worker(core::WorkerId id) const;
    pid_t pid_of(core::WorkerId id) const;
    std::string name_of(core::WorkerId id) const;

    uv::Loop& loop_;
    Log& log_;
    InstanceDirectory& directory_;
    bool background_;
    bool sole_heir_;
    rlimit descriptor_limit_;
    std::string config_file_;
    std::optional<config::Config> first_config_;  // until the first preparation
    // Where the log goes on when that generation is promoted; none: where it is.
    struct NextLog {
        core::GenerationId generation;
        LogDestination destination;
    };
    std::optional<NextLog> next_log_;
    std::function<void()> on_exit_;
    core::Supervisor core_;
    Ledger ledger_;
    core::Serving serving_;  // as the core said last
    core::TimePoint started_at_;
    std::deque<core::Event> events_;
    uv::Timer turn_;
    bool looked_at_workers_ = false;  // in this turn
    uv::Timer deadline_;
    std::optional<core::TimePoint> awaited_;  // what it is armed for
    core::TimePoint looked_at_{};             // deadlines have come until then
    std::map<core::GenerationId, std::shared_ptr<const Generation>> generations_;
    std::map<core::GenerationId, std::vector<std::string>> told_changes_;  // see changes_of()
    // What is moved on out of closed inboxes, also when their generation is released.
    struct Relay {
        core::GenerationId to;
        std::unique_ptr<InboxRelay> inbox;
    };
    std::list<Relay> relays_;
    OutputTurns output_turns_;
    Orphans orphans_;
    std::map<core::WorkerId, std::unique_ptr<WorkerProcess>> workers_;
    // Exited, but a descendant that left the process group still holds their output, or is being ended.
    std::map<core::WorkerId, std::unique_ptr<WorkerProcess>> survived_;
    // How the sockets' O_NONBLOCK was before the reload that runs, or before the first of those that failed
    // and still leave.
    std::map<const ListeningSocket*, bool> nonblock_before_;
    // Those that could not be killed, until they end by themselves.
    std::map<core::WorkerId, std::unique_ptr<WorkerProcess>> abandoned_;
    LeftBehindList left_behind_;
    Requests requests_;
    LiveRecorder live_record_;
    StartReport report_;
    std::optional<control::ControlServer> control_;
    ListenerSteering steering_;
    std::unique_ptr<ListenerWatch> listener_watch_;
    QueueWatch queues_;
    PacedLines mended_;
    std::optional<int> exit_code_;  // the core has come to its end, and nothing is left of it
};

}  // namespace sup
