// Processes that bear no worker's mark: whose they are, and which of them sup cannot end.
#pragma once

#include <functional>
#include <string>

#include "master/core/ids.h"
#include "master/ledger/left_behind.h"
#include "master/log/log.h"
#include "master/process/process_status.h"
#include "master/workers/workers.h"

namespace sup {

// Main thread only.
class Strays {
public:
    struct Surroundings {
        bool sole_heir = false;  // every orphan that this process gets is one of its workers'
        std::function<Listeners()> held_listeners;
        std::function<bool(core::GenerationId)> never_served;
    };
    // All outlive it.
    Strays(Workers& workers, LeftBehindList& left_behind, Log& log, Surroundings surroundings)
        : workers_(workers), left_behind_(left_behind), log_(log), surroundings_(std::move(surroundings)) {}
    Strays(const Strays&) = delete;
    Strays& operator=(const Strays&) = delete;

    // Whether it can only belong to this worker.
    bool is_only_of(core::WorkerId worker, const ProcessStat& process);
    // A worker has ended: an orphan from its time that may be its own, or that of a worker that is still
    // alive, is left alone, but named.
    void name_those_since(const WorkerProcess& worker);
    // It is the worker itself, or something that it left, and cannot be ended.
    void out_of_reach(const WorkerProcess& worker, const ProcessStat& process);

private:
    bool is_somebodys(const ProcessStat& process);
    std::string listeners_held_by(const ProcessStat& process);
    void note(LeftBehind left);

    Workers& workers_;
    LeftBehindList& left_behind_;
    Log& log_;
    Surroundings surroundings_;
};

}  // namespace sup
