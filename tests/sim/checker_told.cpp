#include <algorithm>

#include "tests/sim/checker.h"

namespace sup::sim {

using namespace core;

namespace {

void require_complete(bool holds, const char* detail) {
    require(holds, Property::actions_complete, detail);
}

std::vector<Slot> accepting(const Model& model, GenerationId generation) {
    std::vector<Slot> slots;
    for (const Worker& worker : model.workers) {
        if (worker.generation == generation && worker.state == WorkerState::ready)
            slots.push_back(worker.slot);
    }
    return slots;
}

std::uint32_t count_living(const Model& model, GenerationId generation) {
    return static_cast<std::uint32_t>(std::ranges::count(model.workers, generation, &Worker::generation));
}

}  // namespace

std::optional<GenerationId> Checker::active_id() const {
    const GenerationModel* active = model_.active();
    return active == nullptr ? std::nullopt : std::optional(active->id);
}

void Checker::done(const Steer& action) {
    require_complete(action.serving != serving_, "it is told again who serves, and nothing has changed");
    serving_ = action.serving;
}

void Checker::done(const Promote& action) {
    require_complete(promote_owed_ == action, "a promotion is told that did not happen, or wrongly");
    const auto& untold = model_.generation(action.generation)->untold;
    require_complete(std::ranges::find(untold, GenerationState::active) == untold.end(),
                     "a promotion is performed before it is told");
    promote_owed_.reset();
}

void Checker::done(const GiveUp& action) {
    require_complete(give_up_owed_ == action, "a generation is given up that did not fail, or wrongly");
    give_up_owed_.reset();
}

void Checker::done(const NoteSockets& action) {
    require_complete(note_owed_ == action, "sockets are noted when nobody is to come, or wrongly");
    for (const Worker& worker : model_.workers)
        require_complete(worker.generation != model_.generations.back().id,
                         "sockets are noted after somebody came");
    note_owed_.reset();
}

// Of what a reload left, O_NONBLOCK is undone when nothing newer than who serves is left.
void Checker::owe_restored_sockets(const GenerationModel& released) {
    const auto active = active_id();
    if (!active) return;
    const bool last = std::ranges::none_of(model_.generations, [&](const GenerationModel& other) {
        const bool there = other.state != GenerationState::gone || other.release_owed;
        return there && other.id > *active && other.id != released.id;
    });
    restores_owed_.push_back({*active, active, released.id > *active && last});
}

void Checker::done(const RestoreSockets& action) {
    const auto owed = std::ranges::find(restores_owed_, action);
    require_complete(owed != restores_owed_.end(),
                     "sockets are restored that nobody may have changed, or wrongly");
    restores_owed_.erase(owed);
    if (action.nonblock) coverage_.visit(Situation::nonblock_restored);
}

void Checker::done(const SetPatience& action) {
    Worker& worker = living(action.worker);
    require_complete(worker.patient != action.patient, "a worker's patience is set to what it was");
    worker.patient = action.patient;
}

void Checker::check_successor(std::optional<GenerationId> successor, std::uint32_t slots) const {
    const GenerationModel* generation = successor ? model_.generation(*successor) : nullptr;
    require_complete(slots == (generation == nullptr ? 0 : generation->count()),
                     "it is told wrongly how many slots a successor has");
}

void Checker::numbers_hold(const Action& action) const {
    if (const auto* news = std::get_if<GenerationChanged>(&action)) {
        const GenerationModel* generation = model_.generation(news->generation);
        const bool gone = generation->state == GenerationState::gone;
        const bool drains = news->state == GenerationState::draining;
        const std::uint32_t workers = drains ? count_living(model_, generation->id) : generation->count();
        require_complete(news->workers == (gone ? 0 : workers),
                         "it is told wrongly how many workers there are");
        require_complete(news->ready == accepting(model_, generation->id).size(),
                         "it is told wrongly how many workers are ready");
    }
    if (const auto* news = std::get_if<WorkerChanged>(&action)) {
        const GenerationModel* generation = model_.generation(news->generation);
        const bool ready = news->state == WorkerState::ready;
        require_complete(news->ready == (ready ? accepting(model_, generation->id).size() : 0) &&
                             news->count == (ready ? generation->count() : 0),
                         "it is told wrongly how many of a generation are ready");
    }
    if (const auto* reply = std::get_if<Reply>(&action)) {
        const auto* failed = std::get_if<Reply::Failed>(&reply->outcome);
        if (failed == nullptr) return;
        require_complete(
            failed->still_serving == (failed->generation ? accepting(model_, *failed->generation).size() : 0),
            "it is told wrongly how many of what failed serve on");
    }
}

void Checker::serving_told() const {
    Serving serving;
    for (auto entry = model_.generations.rbegin(); entry != model_.generations.rend(); ++entry) {
        if (entry->state == GenerationState::gone) continue;
        serving.push_back({entry->id, entry->state, entry->count(), accepting(model_, entry->id)});
    }
    require_complete(serving == serving_, "it is not told who serves");
}

void Checker::patience_told() const {
    const bool calm = !model_.ending && model_.current.empty() && model_.next.empty();
    for (const Worker& worker : model_.workers) {
        const bool may_wait = calm && worker.state == WorkerState::ready && worker.generation == active_id();
        require_complete(worker.patient == may_wait, "it is not told whether a worker's output may wait");
    }
}

}  // namespace sup::sim
