#include "tests/sim/shadow.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/sim/property.h"

namespace sup::sim {
namespace {

using namespace core;

bool same(const Prepare& a, const Prepare& b) {
    return a.generation == b.generation;
}
bool same(const Spawn& a, const Spawn& b) {
    return a.worker == b.worker && a.generation == b.generation && a.slot == b.slot;
}
bool same(const Drain& a, const Drain& b) {
    return a.worker == b.worker && a.successor == b.successor && a.inbox == b.inbox;
}
bool same(const OfferInbox& a, const OfferInbox& b) {
    return a.worker == b.worker && a.inbox == b.inbox;
}
bool same(const CloseInbox& a, const CloseInbox& b) {
    return a.generation == b.generation && a.successor == b.successor;
}
bool same(const ReopenInbox& a, const ReopenInbox& b) {
    return a.generation == b.generation && a.worker == b.worker;
}
bool same(const ForwardInbox& a, const ForwardInbox& b) {
    return a.from == b.from && a.to == b.to;
}
bool same(const Kill& a, const Kill& b) {
    return a.worker == b.worker && a.reason == b.reason;
}
bool same(const ArmTimer& a, const ArmTimer& b) {
    return a.timer == b.timer && a.at == b.at;
}
bool same(const CancelTimer& a, const CancelTimer& b) {
    return a.timer == b.timer;
}
bool same(const Release& a, const Release& b) {
    return a.generation == b.generation;
}
bool same(const Reply& a, const Reply& b) {
    return a.request == b.request && a.outcome == b.outcome && a.generation == b.generation &&
           a.failure == b.failure;
}
bool same(const GenerationChanged& a, const GenerationChanged& b) {
    return a.generation == b.generation && a.state == b.state && a.failure == b.failure && a.soak == b.soak;
}
bool same(const WorkerChanged& a, const WorkerChanged& b) {
    return a.worker == b.worker && a.generation == b.generation && a.slot == b.slot && a.state == b.state;
}
bool same(const RestartScheduled& a, const RestartScheduled& b) {
    return a.generation == b.generation && a.slot == b.slot && a.delay == b.delay &&
           a.short_lives == b.short_lives;
}
bool same(const ReloadWaits& a, const ReloadWaits& b) {
    return a.draining == b.draining && a.max_draining == b.max_draining;
}
bool same(const CountChanged& a, const CountChanged& b) {
    return a.generation == b.generation && a.count == b.count;
}
bool same(const Exit& a, const Exit& b) {
    return a.code == b.code;
}

bool same_action(const Action& a, const Action& b) {
    return std::visit(
        [](const auto& left, const auto& right) {
            if constexpr (std::is_same_v<decltype(left), decltype(right)>) return same(left, right);
            return false;
        },
        a, b);
}

[[noreturn]] void fail(std::string detail) {
    throw Violation{Property::saving_changes_nothing, std::move(detail)};
}

}  // namespace

void Shadow::begin(Supervisor& supervisor, bool swap) {
    const std::string saved = supervisor.save().dump();
    Result<Supervisor> restored = Supervisor::restore(nlohmann::json::parse(saved));
    if (!restored) fail("what was saved cannot be restored: " + restored.error().message);
    if (restored->save().dump() != saved) fail("what was restored saves differently");
    copy_ = std::move(*restored);
    if (swap) std::swap(*copy_, supervisor);
}

void Shadow::follow(const Event& event, TimePoint now, const std::vector<Action>& actions) {
    if (!copy_) return;
    const std::vector<Action> again = copy_->step(event, now);
    if (!std::equal(actions.begin(), actions.end(), again.begin(), again.end(), same_action))
        fail("the restored supervisor acts differently");
}

}  // namespace sup::sim
