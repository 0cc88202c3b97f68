#include "tests/sim/books.h"

#include <nlohmann/json.hpp>

#include "tests/sim/number_of.h"
#include "tests/sim/property.h"

namespace sup::sim {

using namespace core;

namespace {

void require_booked(bool holds, const char* detail) {
    require(holds, Property::outcomes_remembered, detail);
}

// What a worker counts: each another number, the same in every telling of the story.
DrainTotals counted_by(WorkerId worker) {
    return {.closed = number_of(worker)};
}

Ledger::Now at(TimePoint now) {
    return {now, std::chrono::system_clock::time_point{now.time_since_epoch()}};
}

}  // namespace

void Books::after(const Event& event, TimePoint now, const std::vector<Action>& actions) {
    ++steps_;
    answers_.clear();
    entered(event);
    for (const Action& action : actions) std::visit([&](const auto& one) { follow(one, at(now)); }, action);
    if (!actions.empty()) {
        if (const auto* left = std::get_if<WorkerAbandoned>(&event)) forget(left->worker);
        if (const auto* failed = std::get_if<SpawnFailed>(&event)) forget(failed->worker);
    }
    answer();
}

void Books::forget(WorkerId worker) {
    ledger_.forget(worker);
    drains_for_.erase(worker);
}

void Books::entered(const Event& event) {
    if (const auto* start = std::get_if<StartRequested>(&event)) ledger_.start_asked(start->request);
    if (const auto* exited = std::get_if<WorkerExited>(&event)) ended(exited->worker);
}

void Books::ended(WorkerId worker) {
    ledger_.ended(worker, counted_by(worker));
    const auto reload = drains_for_.extract(worker);
    if (!reload.empty()) closed_[reload.mapped()] += number_of(worker);
}

void Books::follow(const Promote& action, Ledger::Now now) {
    ledger_.follow(action, now);
    promoted_.insert(action.generation);
}

void Books::follow(const Drain& action, Ledger::Now) {
    ledger_.follow(action);
    if (action.reload) drains_for_.emplace(action.worker, *action.reload);
}

void Books::owe(RequestId request, const Owed& owed) {
    require_booked(owed_.emplace(request, owed).second, "a request has two outcomes");
}

void Books::follow(const Reply& action, Ledger::Now now) {
    const auto nobody = [](WorkerId) { return DrainTotals{}; };
    if (const auto* promoted = std::get_if<Reply::Promoted>(&action.outcome)) {
        require(promoted_.contains(promoted->generation), Property::actions_complete,
                "a reply comes before what it tells is performed");
        owe(action.request, {.promoted = true,
                             .generation = promoted->generation,
                             .for_leftovers = promoted->wait == WaitFor::drained,
                             .closed = closed_[promoted->generation]});
        ledger_.promoted(action.request, *promoted, nobody);
    } else if (const auto* failed = std::get_if<Reply::Failed>(&action.outcome)) {
        owe(action.request, {.generation = failed->generation,
                             .closed = failed->generation ? closed_[*failed->generation] : 0});
        ledger_.failed(action.request, *failed, {"it failed"}, now, nobody);
    } else {
        owe(action.request, {.stops = true});
        ledger_.stopped(action.request);
    }
}

void Books::answer() {
    const bool leftovers = steps_ % 3 != 0 && !ledger_.exit_code();
    answers_ = ledger_.take_due([&](std::optional<GenerationId>) { return leftovers; });
    for (const Ledger::Answer& answer : answers_) {
        const auto found = owed_.extract(answer.request);
        require_booked(!found.empty(), "a request is answered twice, or has no outcome yet");
        const Owed& owed = found.mapped();
        require_booked(answer.outcome.has_value() != owed.stops,
                       "a stop is told an outcome, or a reload none");
        if (!answer.outcome) continue;
        require_booked(
            answer.outcome->promoted == owed.promoted && answer.outcome->generation == owed.generation,
            "a request is told another one's outcome");
        require_booked(!leftovers || !owed.for_leftovers,
                       "who waits for the drain is told while something is left");
        require_booked(answer.outcome->connections.closed == owed.closed,
                       "connections are told that nobody who drained for the reload had, or not all");
    }
    for (const auto& [request, owed] : owed_)
        require_booked(owed.stops ? !ledger_.exit_code() : leftovers && owed.for_leftovers,
                       "a request has its outcome, and no answer");
}

Books Books::taken_over() const {
    const std::string saved = ledger_.save().dump();
    auto restored = Ledger::restore(nlohmann::json::parse(saved));
    if (!restored) throw Violation{Property::saving_changes_nothing, restored.error().message};
    if (restored->save().dump() != saved)
        throw Violation{Property::saving_changes_nothing, "a ledger that was restored saves differently"};
    Books books = *this;
    books.ledger_ = std::move(*restored);
    return books;
}

bool Books::same_ledger(const Books& other) const {
    return ledger_.save() == other.ledger_.save();
}

}  // namespace sup::sim
