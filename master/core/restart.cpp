// A slot of the active generation lost its worker: it gets another, at once or after a growing delay, for
// ever.
#include <algorithm>
#include <limits>

#include "master/core/rules.h"

namespace sup::core {
namespace {

// splitmix64: small enough to be saved, good enough to keep slots from restarting in lockstep.
std::uint64_t next_random(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

// backoff_min, doubled for each further short life, at most backoff_max.
Duration backoff(const Policy& policy, std::uint32_t short_lives) {
    const std::int64_t factor = std::int64_t{1} << std::min(short_lives - 1, 60U);
    if (policy.backoff_min > policy.backoff_max / factor) return policy.backoff_max;
    return policy.backoff_min * factor;
}

// Jitter only lengthens, by half at the most, and never beyond backoff_max.
Duration with_jitter(Duration base, Duration longest, std::uint64_t& random) {
    const Duration spread = std::min(longest - base, base / 2);
    const auto choices = static_cast<std::uint64_t>(spread.count()) + 1;
    return base + Duration{static_cast<std::int64_t>(next_random(random) % choices)};
}

}  // namespace

void restart(Step& step, Generation& generation, Slot slot, bool short_life) {
    SlotRecord& record = generation.slots.at(slot);
    if (!short_life) {
        record.short_lives = 0;
        step.act(RestartScheduled{generation.id, slot, Duration{0}, 0});
        spawn(step, generation, slot);
        return;
    }
    if (record.short_lives < std::numeric_limits<std::uint32_t>::max()) ++record.short_lives;
    const Duration base = backoff(generation.policy, record.short_lives);
    const Duration delay = with_jitter(base, generation.policy.backoff_max, step.instance.random);
    step.act(RestartScheduled{generation.id, slot, delay, record.short_lives});
    set_restart(step, generation, slot, later(step.now, delay));
}

void deadline_reached(Step& step, SlotId waited) {
    Generation& generation = step.instance.generations.at(waited.generation);
    require(generation.state == GenerationState::active, "only an active generation restarts its workers");
    set_restart(step, generation, waited.slot, std::nullopt);
    spawn(step, generation, waited.slot);
}

}  // namespace sup::core
