#include "tests/sim/coverage.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string_view>

namespace sup::sim {
namespace {

using namespace core;

constexpr std::size_t none_row = 0;
constexpr std::size_t preparing_row = 1;
constexpr std::size_t row_of(GenerationState state) {
    return 2 + static_cast<std::size_t>(state);
}
constexpr std::size_t row_of(WorkerState state) {
    return static_cast<std::size_t>(state);
}

constexpr std::array<const char*, 8> generation_names{"(none)", "(preparing)", "starting", "soaking",
                                                      "active", "draining",    "aborting", "gone"};
constexpr std::array<const char*, 6> worker_names{"spawning", "starting", "ready",
                                                  "draining", "killing",  "exited"};
constexpr std::array<const char*, std::variant_size_v<Event>> event_names{
    "Start",         "Reload",    "Stop",        "AddWorker", "RemoveWorker",  "Prepared",
    "PrepareFailed", "Spawned",   "SpawnFailed", "Ready",     "OpenedChannel", "ExtendedTimeout",
    "OutOfReach",    "Abandoned", "Exited",      "Deadline"};

// Positions in Event.
enum EventKind : std::size_t {
    start_requested,
    reload_requested,
    stop_requested,
    add_worker,
    remove_worker,
    prepared,
    prepare_failed,
    worker_spawned,
    spawn_failed,
    worker_ready,
    worker_opened_channel,
    worker_extended,
    worker_out_of_reach,
    worker_abandoned,
    worker_exited,
    timer_fired
};

bool of_a_worker(std::size_t event) {
    return event >= worker_spawned && event <= worker_exited;
}
bool of_the_operator(std::size_t event) {
    return event >= reload_requested && event <= remove_worker;
}

// Why this pair cannot be; null if it can.
const char* unreachable_for_generation(std::size_t row, std::size_t event) {
    if (event == start_requested) return row == none_row ? nullptr : "Start comes once, and first";
    if (row == none_row)
        return "between Start and Exit there always is a generation, or one is being prepared";
    if (row == preparing_row && of_a_worker(event))
        return "a generation that is being prepared has no workers";
    if (row == row_of(GenerationState::soaking) && event == spawn_failed)
        return "all workers of a soaking generation are spawned";
    if (row == row_of(GenerationState::gone) && of_the_operator(event))
        return "a generation that is gone meets no request";
    return nullptr;
}

const char* unreachable_for_worker(std::size_t row, std::size_t event) {
    const bool exited = row == row_of(WorkerState::exited);
    if (event == start_requested) return "Start comes once, and first";
    if (row == row_of(WorkerState::spawning) &&
        (event == worker_ready || event == worker_opened_channel || event == worker_extended ||
         event == worker_out_of_reach || event == worker_abandoned || event == worker_exited))
        return "a process that is not there yet says nothing and does not end";
    if ((row == row_of(WorkerState::starting) || row == row_of(WorkerState::ready)) && event == spawn_failed)
        return "the spawn of a running process has not failed";
    if (exited && !of_a_worker(event))
        return "a worker that is gone meets nothing but what comes late for itself";
    return nullptr;
}

std::optional<WorkerId> subject(const Event& event) {
    return std::visit(
        [](const auto& what) -> std::optional<WorkerId> {
            if constexpr (requires { what.worker; }) return what.worker;
            return std::nullopt;
        },
        event);
}

bool stale(const Model& model, const Event& event) {
    if (std::holds_alternative<DeadlineReached>(event)) return !model.deadline_due;
    if (const auto* good = std::get_if<Prepared>(&event)) return model.preparing != good->generation;
    if (const auto* bad = std::get_if<PrepareFailed>(&event)) return model.preparing != bad->generation;
    return false;
}

using Unreachable = const char* (*)(std::size_t row, std::size_t event);

template <typename Table, typename Names>
void print(std::ostringstream& out, const char* title, const Table& table, const Names& names,
           Unreachable unreachable) {
    constexpr int width = 11;
    const auto cell = [&out](std::string_view text) {
        out << std::string(width > text.size() ? width - text.size() : 1, ' ') << text.substr(0, width - 1);
    };
    out << title << '\n' << std::string(13, ' ');
    for (const char* event : event_names) cell(event);
    out << '\n';
    for (std::size_t row = 0; row < table.size(); ++row) {
        out << "  " << names[row] << std::string(11 - std::string_view(names[row]).size(), ' ');
        for (std::size_t event = 0; event < event_names.size(); ++event) {
            if (unreachable(row, event) != nullptr && table[row][event] == 0) {
                cell("-");
            } else {
                cell(table[row][event] == 0 ? "NEVER" : std::to_string(table[row][event]));
            }
        }
        out << '\n';
    }
}

// Each reason once, with the pairs it is the reason for.
template <typename Names>
void print_reasons(std::ostringstream& out, const Names& names, Unreachable unreachable) {
    const char* last = nullptr;
    std::size_t last_row = 0;
    for (std::size_t row = 0; row < names.size(); ++row) {
        for (std::size_t event = 0; event < event_names.size(); ++event) {
            const char* reason = unreachable(row, event);
            if (reason == nullptr || event == start_requested) continue;
            if (reason != last) out << "\n  - " << reason << ": ";
            const bool same_row = reason == last && row == last_row;
            if (reason == last) out << ", ";
            if (!same_row) out << names[row] << " x ";
            out << event_names[event];
            last = reason;
            last_row = row;
        }
    }
}

template <typename Table, typename Names>
void find_missing(std::ostringstream& out, const Table& table, const Names& names, const char* what,
                  Unreachable unreachable) {
    for (std::size_t row = 0; row < table.size(); ++row)
        for (std::size_t event = 0; event < event_names.size(); ++event)
            if (table[row][event] == 0 && unreachable(row, event) == nullptr)
                out << what << ' ' << names[row] << " never met " << event_names[event] << '\n';
}

}  // namespace

void Coverage::visit(const Model& model, const Event& event) {
    const std::size_t kind = event.index();
    if (const auto id = subject(event)) {
        const auto worker = std::find_if(model.workers.begin(), model.workers.end(),
                                         [&](const Worker& w) { return w.id == *id; });
        if (worker == model.workers.end()) {
            ++workers_[row_of(WorkerState::exited)][kind];
            ++generations_[row_of(GenerationState::gone)][kind];
            return;
        }
        ++workers_[row_of(worker->state)][kind];
        for (const GenerationModel& generation : model.generations)
            if (generation.id == worker->generation) ++generations_[row_of(generation.state)][kind];
        return;
    }
    if (stale(model, event)) ++generations_[row_of(GenerationState::gone)][kind];
    if (model.preparing) ++generations_[preparing_row][kind];
    if (!model.preparing && model.generations.empty()) ++generations_[none_row][kind];
    for (const GenerationModel& generation : model.generations)
        ++generations_[row_of(generation.state)][kind];
    for (const Worker& worker : model.workers) ++workers_[row_of(worker.state)][kind];
}

void Coverage::merge(const Coverage& other) {
    const auto add = [](auto& to, const auto& from) {
        for (std::size_t row = 0; row < to.size(); ++row)
            for (std::size_t event = 0; event < to[row].size(); ++event) to[row][event] += from[row][event];
    };
    add(generations_, other.generations_);
    add(workers_, other.workers_);
    for (std::size_t i = 0; i < situations_.size(); ++i) situations_[i] += other.situations_[i];
}

std::string Coverage::report() const {
    std::ostringstream out;
    print(out, "generation state x event", generations_, generation_names, unreachable_for_generation);
    print(out, "worker state x event", workers_, worker_names, unreachable_for_worker);
    out << "unreachable, because";
    print_reasons(out, generation_names, unreachable_for_generation);
    print_reasons(out, worker_names, unreachable_for_worker);
    out << "\nsituations\n";
    for (std::size_t i = 0; i < situations_.size(); ++i) {
        const std::string name = to_string(static_cast<Situation>(i));
        out << "  " << name << std::string(60 - std::min<std::size_t>(59, name.size()), ' ')
            << (situations_[i] == 0 ? "NEVER" : std::to_string(situations_[i])) << '\n';
    }
    return out.str();
}

std::string Coverage::missing() const {
    std::ostringstream out;
    find_missing(out, generations_, generation_names, "a generation that is", unreachable_for_generation);
    find_missing(out, workers_, worker_names, "a worker that is", unreachable_for_worker);
    for (std::size_t i = 0; i < situations_.size(); ++i)
        if (situations_[i] == 0) out << "never: " << to_string(static_cast<Situation>(i)) << '\n';
    return out.str();
}

const char* to_string(Situation situation) {
    switch (situation) {
        case Situation::stop_while_preparing: return "a stop while preparing";
        case Situation::stop_while_starting: return "a stop while starting";
        case Situation::stop_while_soaking: return "a stop while soaking";
        case Situation::stop_while_start_fails: return "a stop while the first generation fails";
        case Situation::stop_now_first: return "a first stop that kills at once";
        case Situation::stop_again: return "a second stop";
        case Situation::stop_heard_twice: return "a stop heard twice within a second of a signal";
        case Situation::terminal_lost_while_stopping: return "the terminal is lost while everything drains";
        case Situation::reload_after_stop: return "a reload after a stop";
        case Situation::reload_waits_for_cap: return "a reload waits for the cap";
        case Situation::reload_joins_waiting_for_cap: return "a reload joins the one that waits for the cap";
        case Situation::many_coalesced: return "more than five reloads coalesce";
        case Situation::coalesced_after_failure: return "a reload runs after one that failed";
        case Situation::drained_waiter: return "somebody waits until the replaced generation is gone";
        case Situation::drained_waiter_at_stop: return "... and is told at a stop";
        case Situation::drained_waiter_outlives_its_generation:
            return "... and was replaced himself meanwhile";
        case Situation::first_generation_fails: return "the first generation fails";
        case Situation::first_generation_fails_with_requests_waiting: return "... while a reload waits";
        case Situation::aborted_worker_drains: return "a failed generation's worker drains";
        case Situation::aborted_in_spawning: return "a failed generation's worker is being spawned";
        case Situation::ready_worker_exits_in_starting: return "a ready worker exits while others start";
        case Situation::promoted_over_empty_generation: return "the replaced generation has no process";
        case Situation::slot_replaced: return "a rolling reload replaces a slot";
        case Situation::slot_soaked: return "... after its new worker has soaked";
        case Situation::rolling_to_fewer: return "a rolling reload to fewer workers";
        case Situation::rolling_to_more: return "a rolling reload to more workers";
        case Situation::rolled_without_predecessor: return "... adds one that nobody precedes";
        case Situation::old_worker_dies_midway: return "an old worker dies in a rolling reload";
        case Situation::old_worker_replaced_unready: return "... and is replaced before it is back";
        case Situation::rolling_failed_midway: return "a rolling reload fails when slots are replaced";
        case Situation::slot_given_back: return "... and a slot is given back";
        case Situation::slot_beyond_count_given_up:
            return "... and one that the old count has not is given up";
        case Situation::slot_kept_by_older_failed: return "... and one that failed before has the slot still";
        case Situation::gap_filled_at_once: return "a slot that nobody serves is filled at once";
        case Situation::reload_while_given_back: return "a reload begins while slots are given back";
        case Situation::slot_taken_over_from_failed: return "... and takes a slot over from who failed";
        case Situation::restoring_given_up: return "... and the restart of one is given up";
        case Situation::promoted_over_failed: return "... and is promoted over who served still";
        case Situation::stop_while_rolling: return "a stop in a rolling reload";
        case Situation::stop_while_given_back: return "a stop while slots are given back";
        case Situation::many_steps_at_once: return "more than one slot changes at once";
        case Situation::last_that_takes_replaced: return "the last that takes is replaced";
        case Situation::last_that_takes_leaves_a_promise:
            return "the last that takes leaves a slot that restarts";
        case Situation::drained_in_spawning: return "a worker is drained while it is being spawned";
        case Situation::drained_before_ready: return "a worker is drained before it is ready";
        case Situation::killed_at_drain_deadline: return "a drain's deadline passes";
        case Situation::active_ready_timeout: return "a restarted worker does not become ready in time";
        case Situation::restart_at_once: return "a restart at once";
        case Situation::restart_with_jitter: return "a restart's delay has jitter";
        case Situation::restart_at_backoff_max: return "a restart's delay has reached its maximum";
        case Situation::many_short_lives: return "more than five short lives in a row";
        case Situation::too_many_short_lives_to_double:
            return "more short lives in a row than 64 bits can double";
        case Situation::long_life_forgives: return "a long life after short ones";
        case Situation::extended: return "a ready timeout is extended";
        case Situation::extension_too_short: return "an extension that would shorten the ready timeout";
        case Situation::serving_out_of_reach: return "one that serves cannot be signalled";
        case Situation::refused_out_of_reach:
            return "a generation whose worker cannot be signalled is refused";
        case Situation::abandoned: return "a worker that cannot be killed is left behind";
        case Situation::scaled_down_while_waiting_for_restart:
            return "a slot goes that waits for its restart";
        case Situation::scaled_down_while_killing: return "a slot goes whose worker is being killed";
        case Situation::slot_taken_again_while_draining:
            return "a slot comes back while its last worker drains";
        case Situation::deadlines_in_one_instant: return "two deadlines fall on one instant";
        case Situation::channel_before_ready: return "a worker opens its channel before it is ready";
        case Situation::channel_after_ready: return "a worker opens its channel late";
        case Situation::channel_while_draining: return "a worker opens its channel while it drains";
        case Situation::channel_opened_twice: return "a worker opens its channel twice";
        case Situation::drained_with_inbox: return "a worker is drained with its successor's inbox";
        case Situation::drained_with_inbox_of_peers: return "... with that of its peers";
        case Situation::drained_with_inbox_of_the_old:
            return "... with that of the generation it failed to replace";
        case Situation::drained_towards_no_channel: return "... with none, as nobody there takes";
        case Situation::drained_without_channel: return "... with none, as it does not speak the channel";
        case Situation::drained_without_channel_on_either_side:
            return "... with none, as neither speaks the channel";
        case Situation::last_that_takes_scaled_down: return "the last that takes is scaled down";
        case Situation::sent_on: return "who hands over is sent on";
        case Situation::sent_on_to_nobody: return "... to nobody, as nobody takes";
        case Situation::sent_on_at_stop: return "... to nobody, at a stop";
        case Situation::offered_late: return "who had to finish alone is offered an inbox after all";
        case Situation::offered_late_by_the_named: return "... by its named successor, not the active one";
        case Situation::offered_a_promise: return "an inbox is offered while all that take from it restart";
        case Situation::draining_told_of_the_stop: return "who drains already hears of the stop";
        case Situation::killed_while_handing_over: return "a worker is killed that hands over";
        case Situation::slot_added_that_is_served:
            return "a slot is added that a rolling reload has passed on already";
        case Situation::clients_find_nobody: return "clients come while no worker accepts";
        case Situation::clients_without_their_home:
            return "clients come whose home has no worker that accepts";
        case Situation::clients_not_at_new_sockets_yet:
            return "a worker is ready at a socket that is only to be the home of clients";
        case Situation::clients_of_new_listener:
            return "clients come to a listener that only an upcoming generation has";
        case Situation::nonblock_restored: return "what a failed reload left in O_NONBLOCK is undone";
        case Situation::clients_of_failed_listener:
            return "clients come to a listener that only a failed generation has";
        case Situation::inbox_forwarded: return "a gone generation's inbox is forwarded";
        case Situation::inbox_not_forwarded: return "... is not, as nobody takes";
        case Situation::inbox_found_closed: return "a sender finds its inbox closed";
        case Situation::inbox_found_full: return "... or full";
        case Situation::inbox_reopened: return "somebody takes again where the inbox was closed";
        case Situation::inbox_left_at_deadline: return "a drainer leaves its inbox at its deadline";
        case Situation::connection_handed_over: return "a connection is handed over";
        case Situation::connection_put_back: return "a connection is put back for the peers";
        case Situation::connection_taken: return "a connection is taken from an inbox";
        case Situation::connection_taken_after_a_death: return "... after who was to take it died";
        case Situation::connection_taken_by_drainer: return "... by a worker that drains";
        case Situation::connection_forwarded: return "a connection is forwarded";
        case Situation::forwarded_bit_by_bit: return "... later, when there is room";
        case Situation::forwarded_elsewhere: return "... elsewhere, as its inbox is closed meanwhile";
        case Situation::forwarded_to_nobody: return "... to nobody";
        case Situation::connection_in_reopened: return "a connection is left where the inbox is reopened";
        case Situation::ended_at_deadline: return "a connection is ended at the deadline";
        case Situation::sender_died_midway: return "a sender dies midway";
        case Situation::receiver_died_midway: return "a receiver dies midway";
        case Situation::count_: break;
    }
    std::abort();
}

}  // namespace sup::sim
