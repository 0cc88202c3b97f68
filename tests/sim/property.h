// The promises that the simulation holds the core to. Each has a name, which a violation prints.
#pragma once

#include <string>

namespace sup::sim {

enum class Property {
    active_left_alone,
    drained_after_successor,
    slot_stays_served,
    rolls_in_steps,
    slots_given_back,
    aborted_changes_nothing,
    replaced_is_drained,
    failed_is_ended,
    promoted_in_time,
    one_outcome,
    coalesced,
    cap_kept,
    numbers_unique,
    released_once,
    own_snapshot,
    backoff_kept,
    slot_never_forgotten,
    scaled_by_request,
    deadline_kept,
    drain_ends,
    deadlines_tidy,
    only_the_living,
    gone_ignored,
    offered_to_takers,
    handoffs_sent_on,
    inbox_closed,
    inbox_forwarded,
    connections_survive,
    connections_served,
    clients_find_a_worker,
    stop_leaves_nothing,
    exit_once,
    told_truly,
    actions_complete,
    outcomes_remembered,
    view_true,
    converges,
    saving_changes_nothing,
    deterministic,
};

// "a worker of the active generation is signalled only by scale-down, stop or its own ready timeout"
const char* to_string(Property property);

// Thrown by the checker; caught where a seed is run.
struct Violation {
    Property property;
    std::string detail;
};

// A Violation unless it holds.
inline void require(bool holds, Property property, const char* detail) {
    if (!holds) throw Violation{property, detail};
}

}  // namespace sup::sim
