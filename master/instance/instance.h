// An instance, composed of its rooms: the engine steps the core, and each of the core's actions calls the
// room in charge. It decides nothing.
#pragma once

#include <sys/resource.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/uv.h"
#include "master/desk/desk.h"
#include "master/handoff/relays.h"
#include "master/instance/engine.h"
#include "master/ledger/ledger.h"
#include "master/log/log.h"
#include "master/log/log_settings.h"
#include "master/log/paced_lines.h"
#include "master/process/orphan_reaper.h"
#include "master/releases/generations.h"
#include "master/releases/preparation.h"
#include "master/runtime/instance_directory.h"
#include "master/runtime/live_record.h"
#include "master/sockets/shared_sockets.h"
#include "master/workers/strays.h"
#include "master/workers/workers.h"

namespace sup {

// Main thread only.
class Instance final : public Performer {
public:
    struct Options {
        config::Config config;  // the first generation's
        InstanceDirectory& directory;
        bool background = false;    // see MasterOptions
        bool sole_heir = false;     // every orphan that it gets is one of its workers'
        rlimit descriptor_limit{};  // the workers'
        UniqueFd report;            // see MasterOptions
        Witness witness;            // optional
        // Called once, when nothing is left: anything else that keeps the loop alive must then let go of it.
        std::function<void()> on_exit;
    };
    Instance(uv::Loop& loop, Log& log, Options options);
    ~Instance() override;

    // Opens the control socket and asks the core for the first generation. An error leaves nothing behind.
    Status start();
    // Set when the core has said Exit.
    std::optional<int> exit_code() const noexcept { return exit_code_; }
    bool start_failed() const noexcept { return ledger_.failed_start().has_value(); }
    // After the loop has ended: if the start failed, tells the waiting `sup start` so, and where the log is.
    void report_failed_start(const std::string& log);

    // Signals.
    void reload_by_signal(const char* name);
    void stop_by_signal(const char* name);
    void stop_without_terminal();
    void add_worker() { engine_.post(core::AddWorkerRequested{}); }
    void remove_worker() { engine_.post(core::RemoveWorkerRequested{}); }
    void reopen_log(const char* signal);
    // For the reaper of orphans.
    OrphanReaper::Answer collect(pid_t pid) { return workers_.collect(pid); }

    // What commands ask for through the control socket.
    Desk& desk() noexcept { return desk_; }

private:
    // Performer: perform.cpp has the actions.
    void begin(const core::Event& event) override;
    void perform(const core::Action& action) override;
    void end(const core::Event& event) override;
    void look_before_deadline() override { workers_.look(); }
    void turn_over() override;

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

    Result<std::shared_ptr<const Generation>, PreparationFailure> prepare(core::GenerationId id);
    Result<config::Config, PreparationFailure> next_config();
    Status spawn(const core::Spawn& action);
    void tell_kill(const core::Kill& action, const WorkerProcess& worker);
    void tell_changes(const Generation& generation);
    void tell_lost_queues(const Generation& generation);
    void remove_retired_files(const Listeners& kept);
    Ledger::Words failure_words(const core::Reply::Failed& told) const;
    std::string restoring_words(const core::Reply::Failed& told) const;

    // What the workers report.
    Workers::Callbacks worker_callbacks();
    void worker_exited(core::WorkerId id, const ExitReport& report);
    void tell_exit(core::WorkerId id, const WorkerProcess& worker, const ExitReport& report, bool died);
    void count_connections(core::WorkerId id, WorkerProcess& worker, bool died);

    // What all generations share.
    SharedSockets::Callbacks socket_callbacks();
    Relays::Callbacks relay_callbacks();
    Desk::Callbacks desk_callbacks();
    status::Picture picture();
    // Recreates what was removed from the instance's folder. An error: the folder itself cannot be recreated.
    Status put_files_back();
    void answer_due();
    void end_if_nothing_is_left();
    Ledger::Now ledger_now();
    Ledger::Live live_totals() const;
    void warn(const Status& status);
    void record_problem(const Status& status);

    uv::Loop& loop_;
    Log& log_;
    InstanceDirectory& directory_;
    rlimit descriptor_limit_;
    std::string config_file_;
    std::optional<config::Config> first_config_;  // until the first preparation
    std::function<void()> on_exit_;
    std::optional<int> exit_code_;  // the core has come to its end, and nothing is left of it

    Engine engine_;
    core::TimePoint started_at_;
    Ledger ledger_;
    Generations generations_;
    SharedSockets sockets_;
    PacedLines mended_;
    Relays relays_;
    Workers workers_;
    Strays strays_;
    LogSettings log_settings_;
    LiveRecorder live_record_;
    Desk desk_;
};

}  // namespace sup
