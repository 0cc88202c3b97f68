// What has its time, and that the core waits for the first of it.
#include <algorithm>

#include "tests/sim/checker.h"
#include "tests/sim/number_of.h"

namespace sup::sim {

using namespace core;

// In the order in which those of one moment come.
void Checker::list_deadlines() {
    deadlines_.clear();
    for (const Worker& worker : model_.workers) {
        if (worker.state == WorkerState::starting)
            deadlines_.push_back({worker.due, Property::deadline_kept, number_of(worker.id)});
        if (worker.draining()) deadlines_.push_back({worker.due, Property::drain_ends, number_of(worker.id)});
        if (worker.soaking)
            deadlines_.push_back({worker.due, Property::promoted_in_time, number_of(worker.id)});
    }
    for (const GenerationModel& generation : model_.generations) {
        for (Slot slot = 0; slot < generation.count(); ++slot) {
            if (const auto at = generation.slots[slot].restart_at)
                deadlines_.push_back({*at, Property::slot_never_forgotten, number_of(generation.id), slot});
        }
    }
    for (const GenerationModel& generation : model_.generations) {
        if (generation.soaked_at)
            deadlines_.push_back(
                {*generation.soaked_at, Property::promoted_in_time, number_of(generation.id)});
    }
}

std::optional<Checker::Deadline> Checker::earliest() const {
    const auto first = std::ranges::min_element(deadlines_, {}, &Deadline::at);
    return first == deadlines_.end() ? std::nullopt : std::optional(*first);
}

// What most deadlines mean, the core announces; not that a slot's soak is over.
bool Checker::happened(const DeadlineReached&) {
    list_deadlines();
    const std::optional<Deadline> first = earliest();
    if (!first || first->at > now_) return false;
    reached_ = first;
    for (Worker& worker : model_.workers) {
        if (!worker.soaking || number_of(worker.id) != first->owner ||
            first->property != Property::promoted_in_time)
            continue;
        worker.soaking = false;
        coverage_.visit(Situation::slot_soaked);
        slot_served(*model_.generation(worker.generation));
        break;
    }
    return true;
}

void Checker::reached_in_time() const {
    if (reached_ && std::ranges::find(deadlines_, *reached_) != deadlines_.end())
        throw Violation{reached_->property, "a deadline has come, and is not acted upon"};
}

void Checker::deadline_told() {
    list_deadlines();
    reached_in_time();
    const std::optional<Deadline> first = earliest();
    const std::optional<TimePoint> told = model_.next_deadline;
    if (first && (!told || *told > first->at))
        throw Violation{first->property, "a deadline is not the next one, and should be"};
    if (told && (!first || *told < first->at)) {
        const bool outlived = !first || former_deadlines_.contains(*told);
        throw Violation{outlived ? Property::deadlines_tidy : Property::deadline_kept,
                        "a deadline is the next one, and should not be"};
    }
    if (first && std::ranges::count(deadlines_, first->at, &Deadline::at) > 1)
        coverage_.visit(Situation::deadlines_in_one_instant);
    for (const Deadline& deadline : deadlines_) former_deadlines_.insert(deadline.at);
}

}  // namespace sup::sim
