#include "master/workers/strays.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "master/core/generation_number.h"
#include "master/workers/living.h"

namespace sup {

// An orphan that bears no mark is one of a worker that was there before it. When no other of those lives, it
// can only be this one's. It is taken for one, too, where it holds a listener and this one's generation was
// never promoted: a release that goes into the background and throws everything away but its listener must
// not serve on. Not as the first process of a container, whose orphans are everybody's, unless it holds a
// listener.
bool Strays::is_only_of(core::WorkerId id, const ProcessStat& process) {
    const WorkerProcess* own = workers_.find(id);
    if (own == nullptr || process.parent != ::getpid() || process.start_time < own->began()) return false;
    if (left_behind_.is_out_of_reach(left_process(process))) return false;
    const bool serves = !listeners_held_by(process).empty();
    if (!surroundings_.sole_heir && !serves) return false;
    const bool refused = surroundings_.never_served(own->generation_id());
    bool is_anothers = false;
    bool may_be_anothers = false;
    workers_.each([&](core::WorkerId, const WorkerProcess& other) {
        if (&other == own || other.exited()) return;
        is_anothers = is_anothers || other.is_its_own(process);
        if (refused && other.generation_id() == own->generation_id()) return;
        may_be_anothers = may_be_anothers || other.began() <= process.start_time;
    });
    return !is_anothers && (!may_be_anothers || (refused && serves));
}

bool Strays::is_somebodys(const ProcessStat& process) {
    bool found = false;
    workers_.each([&](core::WorkerId, const WorkerProcess& worker) {
        found = found || worker.is_ending(process) || worker.is_its_own(process);
    });
    return found;
}

// "http 127.0.0.1:8080, admin 127.0.0.1:8081".
std::string Strays::listeners_held_by(const ProcessStat& process) {
    std::string names;
    for (const auto& listener : surroundings_.held_listeners()) {
        std::vector<FileId> files;
        for (const auto& socket : listener->sockets()) {
            if (const auto file = file_id(socket->fd())) files.push_back(*file);
        }
        const std::string name = listener->name() + " " + listener->address();
        // A generation and its successor have the same ones.
        if (names.find(name) == std::string::npos && workers_.orphans().holds(process, files))
            names += (names.empty() ? "" : ", ") + name;
    }
    return names;
}

void Strays::name_those_since(const WorkerProcess& worker) {
    const bool counts = surroundings_.sole_heir && worker.generation().config.worker.end_leftovers;
    for (const ProcessStat& process : workers_.orphans().all()) {
        if (process.ended || process.parent != ::getpid() || process.start_time < worker.began() ||
            left_behind_.contains(left_process(process)) || is_somebodys(process))
            continue;
        const std::string held = listeners_held_by(process);
        if (held.empty() && !counts) continue;
        const LeftBehind left{
            LeftBehind::Why::whose_unknown, left_process(process), describe(Sender{process.pid, 0}),
            worker.generation_id(),         worker.slot(),         held};
        log_.warning(
            "{}, {}, is an orphan, left by worker {} of generation {} or by one that is still running; {}it "
            "is "
            "not ended yet",
            left.name, to_string(left.why), left.slot, core::number(left.generation),
            held.empty() ? "" : "it holds " + held + "; ");
        note(left);
    }
}

void Strays::out_of_reach(const WorkerProcess& worker, const ProcessStat& process) {
    const LeftBehind left{
        LeftBehind::Why::out_of_reach, left_process(process), describe(Sender{process.pid, 0}),
        worker.generation_id(),        worker.slot(),         worker.listeners_text()};
    log_.error(
        "{} of worker {} of generation {} cannot be ended: sup may not signal it, or SIGKILL has no effect; "
        "{}end it as its user or as root",
        left.name, left.slot, core::number(left.generation),
        left.listeners.empty() ? "" : "it may still hold " + left.listeners + "; ");
    note(left);
}

void Strays::note(LeftBehind left) {
    left_behind_.forget(has_ended);
    left_behind_.add(std::move(left));
}

}  // namespace sup
