// The worker processes of an instance, from their birth until nothing of them is left.
#pragma once

#include <uv.h>

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "master/core/event.h"
#include "master/ledger/outcome.h"
#include "master/log/log.h"
#include "master/process/orphan_reaper.h"
#include "master/workers/worker_process.h"

namespace sup {

// Main thread only.
class Workers {
public:
    // Called from the loop, never from within a function of this class, except collect(), look() and
    // deliver_readiness().
    struct Callbacks {
        std::function<void(core::Event)> happened;  // what the core is to be told
        std::function<void(core::WorkerId, const ExitReport&)> exited;
        // What a worker has left behind has been ended, but for these, which cannot be.
        std::function<void(core::WorkerId, const std::vector<ProcessStat>&)> ended_leftovers;
        // Whether a process without any worker's marks can only belong to this worker.
        std::function<bool(core::WorkerId, const ProcessStat&)> is_only_its_own;
    };
    // The log outlives it.
    Workers(uv_loop_t* loop, Log& log, Callbacks callbacks);
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    // How spawn() starts a worker; the rest it finds by itself.
    struct Order {
        core::WorkerId worker;
        std::shared_ptr<const Generation> generation;
        core::Slot slot = 0;
        std::string notify_socket;    // path
        std::string ack_socket = {};  // path
        std::optional<int> inherited_output = {};
        rlimit descriptor_limit{};
        std::optional<BirthNote> note = {};
    };
    // The error says what failed and names the command. The worker stays valid until the core is told of its
    // end.
    Result<const WorkerProcess*> spawn(const Order& order);
    // It could not be started, or has exited: it is kept only as long as something that it left is there.
    void forget(core::WorkerId id);
    // It could not be killed: sup only waits for it to end.
    void abandon(core::WorkerId id);
    bool is_abandoned(core::WorkerId id) const;
    // The generation is released: its sockets close, whatever its workers have left.
    void release(core::GenerationId generation);
    // The end: stops waiting for workers that have exited or could not be killed.
    void let_go();

    // Null if it is not known (any more).
    WorkerProcess* find(core::WorkerId id) const;
    pid_t pid_of(core::WorkerId id) const;  // 0: not known
    // "worker 0 of generation 2 (pid 4711)".
    std::string name_of(core::WorkerId id) const;
    // What it has counted so far, if it is there.
    DrainTotals totals_of(core::WorkerId id) const;

    // Those that have not exited, or whose exit the core has not been told of.
    template <std::invocable<core::WorkerId, WorkerProcess&> Visit>
    void each_in_hand(Visit visit) const {
        for (const auto& [id, entry] : all_) {
            if (entry.hold == Hold::in_hand) visit(id, *entry.process);
        }
    }
    // Also those that could not be killed, and those that have exited and left something behind.
    template <std::invocable<core::WorkerId, WorkerProcess&> Visit>
    void each(Visit visit) const {
        for (const auto& [id, entry] : all_) visit(id, *entry.process);
    }
    // What all workers that take from that generation's inbox can resume from.
    SpokenByAll spoken_by(std::optional<core::GenerationId> generation) const;
    // The generation has a new inbox: tells each worker that takes from it.
    void send_inbox(core::GenerationId generation) const;
    // What is odd about the main process of that generation's workers, in words. They are all started alike,
    // so the first one with something odd speaks for all.
    std::optional<std::string> odd_main_process(core::GenerationId generation) const;

    // For the reaper of orphans.
    OrphanReaper::Answer collect(pid_t pid);
    // Reports what workers have said and was not read yet.
    void deliver_readiness() const;
    // The same, and also which workers have exited by now.
    void look() const;

    void kill_leftovers() const;
    // Of any generation, or of those that are older than this one.
    bool ends_leftovers_before(std::optional<core::GenerationId> generation) const;
    Orphans& orphans() noexcept { return orphans_; }

    // How long a worker that is patient waits in write(2) for a full log.
    void set_output_wait(std::optional<Duration> wait) { output_turns_.set_wait(wait); }
    // The log has room again.
    void resume_output() { output_turns_.resume(); }

private:
    enum class Hold {
        in_hand,
        outlived,   // exited, but a descendant that left the process group still holds its output, or is
                    // being ended
        abandoned,  // could not be killed; until it ends by itself
    };
    struct Entry {
        std::unique_ptr<WorkerProcess> process;
        Hold hold = Hold::in_hand;
    };
    WorkerProcess::Callbacks callbacks_for(core::WorkerId id, core::GenerationId generation, core::Slot slot);
    std::optional<std::size_t> free_scoreboard_row(core::GenerationId generation) const;
    std::vector<pid_t> main_processes() const;

    uv_loop_t* loop_;
    Log& log_;
    Callbacks callbacks_;
    OutputTurns output_turns_;
    Orphans orphans_;
    std::map<core::WorkerId, Entry> all_;
};

}  // namespace sup
