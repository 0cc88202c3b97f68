#include "tests/sim/books.h"

#include <nlohmann/json.hpp>

#include "tests/sim/property.h"

namespace sup::sim {

using namespace core;

namespace {

void require_booked(bool holds, const char* detail) {
    require(holds, Property::outcomes_remembered, detail);
}

// What a worker counts: each another number, the same in every telling of the story.
DrainTotals counted_by(WorkerId worker) {
    return {.closed = static_cast<std::uint64_t>(worker)};
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
    if (!reload.empty()) closed_[reload.mapped()] += static_cast<std::uint64_t>(worker);
}

void Books::follow(const Promote& action, Ledger::Now now) {
    ledger_.follow(action, now);
    promoted_.insert(action.generation);
}

void Books::follow(const Drain& action, Ledger::Now) {
    ledger_.follow(action);
    if (action.reload) drains_for_.emplace(action.worker, *action.reload);
}

void Books::follow(const Reply& action, Ledger::Now now) {
    require(action.outcome != Reply::Outcome::promoted || promoted_.contains(action.generation.value()),
            Property::actions_complete, "a reply comes before what it tells is performed");
    const std::uint64_t closed = action.generation ? closed_[*action.generation] : 0;
    require_booked(owed_.emplace(action.request, Owed{action, closed}).second, "a request has two outcomes");
    const auto nobody = [](WorkerId) { return DrainTotals{}; };
    switch (action.outcome) {
        case Reply::Outcome::promoted: ledger_.promoted(action, nobody); break;
        case Reply::Outcome::failed: ledger_.failed(action, {"it failed"}, now, nobody); break;
        case Reply::Outcome::stopped: ledger_.stopped(action); break;
    }
}

void Books::answer() {
    const bool leftovers = steps_ % 3 != 0 && !ledger_.exit_code();
    answers_ = ledger_.take_due([&](std::optional<GenerationId>) { return leftovers; });
    for (const Ledger::Answer& answer : answers_) {
        const auto owed = owed_.extract(answer.request);
        require_booked(!owed.empty(), "a request is answered twice, or has no outcome yet");
        const auto& [reply, closed] = owed.mapped();
        require_booked(answer.outcome.has_value() == (reply.outcome != Reply::Outcome::stopped),
                       "a stop is told an outcome, or a reload none");
        if (!answer.outcome) continue;
        require_booked(answer.outcome->promoted == (reply.outcome == Reply::Outcome::promoted) &&
                           answer.outcome->generation == reply.generation,
                       "a request is told another one's outcome");
        require_booked(!leftovers || reply.wait != WaitFor::drained || !answer.outcome->promoted,
                       "who waits for the drain is told while something is left");
        require_booked(answer.outcome->connections.closed == closed,
                       "connections are told that nobody who drained for the reload had, or not all");
    }
    for (const auto& [request, owed] : owed_) {
        const bool stops = owed.reply.outcome == Reply::Outcome::stopped;
        require_booked(stops ? !ledger_.exit_code() : leftovers && owed.reply.wait == WaitFor::drained,
                       "a request has its outcome, and no answer");
    }
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
