#include "master/ledger/ledger.h"

#include <algorithm>
#include <utility>

namespace sup {

// The last promotion is shown by the status; an earlier one only matters to those who wait until what it
// replaced has gone.
void Ledger::follow(const core::Prepare&, Now now) {
    reload_began_ = now.steady;
    std::erase_if(promotions_, [this](const auto& entry) {
        return !entry.second.replaced && entry.first != last_promoted_;
    });
    std::erase_if(drain_totals_, [this](const auto& totals) {
        const bool last = last_reload_ && last_reload_->generation == totals.first;
        return !last && !promotions_.contains(totals.first);
    });
}

void Ledger::follow(const core::Promote& action, Now now) {
    ReloadOutcome outcome;
    outcome.generation = action.generation;
    outcome.promoted = true;
    outcome.duration = since_the_beginning(now);
    outcome.at = now.wall;
    if (action.replaced) last_reload_ = outcome;
    last_promoted_ = action.generation;
    promotions_.insert_or_assign(action.generation, Promotion{std::move(outcome), action.replaced});
}

void Ledger::follow(const core::Drain& action) {
    if (action.reload) leaving_for_.emplace(action.worker, *action.reload);
}

void Ledger::follow(const core::Release& action) {
    for (auto& [generation, promotion] : promotions_) {
        if (promotion.replaced == action.generation) promotion.replaced.reset();
    }
    told_changes_.erase(action.generation);
}

void Ledger::ended(core::WorkerId worker, const DrainTotals& left) {
    const auto reload = leaving_for_.extract(worker);
    if (!reload.empty()) drain_totals_[reload.mapped()].add(left);
}

Duration Ledger::since_the_beginning(Now now) const {
    return reload_began_ ? now.steady - *reload_began_ : Duration{0};
}

// With what has become up to now of the connections of those who were drained for this reload.
ReloadOutcome Ledger::with_connections(ReloadOutcome outcome, const Live& live) const {
    if (!outcome.generation) return outcome;
    const auto ended = drain_totals_.find(*outcome.generation);
    if (ended != drain_totals_.end()) outcome.connections = ended->second;
    for (const auto& [worker, reload] : leaving_for_) {
        if (reload == *outcome.generation) outcome.connections.add(live(worker));
    }
    return outcome;
}

ReloadOutcome Ledger::failed(core::RequestId request, const core::Reply::Failed& told, const Words& words,
                             Now now, const Live& live) {
    ReloadOutcome outcome;
    outcome.generation = told.generation;
    outcome.duration = since_the_beginning(now);
    outcome.at = now.wall;
    outcome.reason = words.reason;
    outcome.worker_output = words.worker_output;
    outcome.configuration_error = std::holds_alternative<core::failure::ConfigurationError>(told.failure);
    (is_start(request) ? failed_start_ : last_reload_) = outcome;
    waiting_.push_back({request, with_connections(outcome, live)});
    return outcome;
}

void Ledger::promoted(core::RequestId request, const core::Reply::Promoted& told, const Live& live) {
    const ReloadOutcome& outcome = promotions_.at(told.generation).outcome;
    waiting_.push_back({request, with_connections(outcome, live), told.wait == core::WaitFor::drained});
}

std::vector<Ledger::Answer> Ledger::take_due(const Leftovers& leftovers) {
    std::vector<Answer> due;
    std::erase_if(waiting_, [&](Waiting& one) {
        if (one.for_leftovers && leftovers(one.outcome.generation)) return false;
        due.push_back({one.request, std::move(one.outcome)});
        return true;
    });
    if (!exit_code_ || stops_.empty() || leftovers(std::nullopt)) return due;
    for (const core::RequestId request : std::exchange(stops_, {})) due.push_back({request, std::nullopt});
    return due;
}

std::vector<std::string> Ledger::untold_changes(core::GenerationId generation,
                                                std::vector<std::string> changes) {
    std::vector<std::string>& told = told_changes_[generation];
    std::vector<std::string> untold = changes;
    std::erase_if(untold,
                  [&](const std::string& change) { return std::ranges::find(told, change) != told.end(); });
    told = std::move(changes);
    return untold;
}

std::optional<ReloadOutcome> Ledger::last_reload(const Live& live) const {
    return last_reload_ ? std::optional(with_connections(*last_reload_, live)) : std::nullopt;
}

}  // namespace sup
