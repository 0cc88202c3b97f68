#include "tests/sim/property.h"

#include <cstdlib>

namespace sup::sim {

const char* to_string(Property property) {
    switch (property) {
        case Property::active_left_alone:
            return "a worker of the active generation is signalled only by scale-down, stop or its own ready "
                   "timeout";
        case Property::drained_after_successor:
            return "nobody is drained before its successors are ready and soaked";
        case Property::slot_stays_served:
            return "a slot that is served stays served, but for the death of who serves it";
        case Property::rolls_in_steps:
            return "a rolling reload changes max_surge slots at once, not more, not fewer";
        case Property::slots_given_back:
            return "a rolling reload that fails gives every slot back, each when it is served again";
        case Property::aborted_changes_nothing:
            return "an aborted reload leaves the old generation untouched";
        case Property::replaced_is_drained:
            return "every worker of a replaced generation is told to drain, once";
        case Property::failed_is_ended:
            return "every worker of a failed generation is drained or killed, once, as is due";
        case Property::promoted_in_time:
            return "a generation is promoted when all its workers are ready and soaked, not earlier, not "
                   "later";
        case Property::one_outcome:
            return "every request gets exactly one outcome, the true one, when it is known";
        case Property::coalesced:
            return "requests made during a reload coalesce into exactly one next generation";
        case Property::cap_kept:
            return "generations on their way out never exceed the cap, and a reload waits no longer than for "
                   "it";
        case Property::numbers_unique: return "generation numbers count up and are never used twice";
        case Property::released_once:
            return "every generation is released exactly once, when nothing of it is left";
        case Property::own_snapshot: return "a worker is spawned for a free slot of a generation that lives";
        case Property::backoff_kept:
            return "restarts are prompt after a long life, and respect the backoff after short ones";
        case Property::slot_never_forgotten:
            return "a slot that should have a worker has one, or waits for its restart";
        case Property::scaled_by_request:
            return "the count changes by one for each scale request, and not otherwise";
        case Property::deadline_kept: return "no deadline is shortened";
        case Property::drain_ends: return "every drain ends by its deadline";
        case Property::deadlines_tidy:
            return "nothing is waited for without a purpose, and no deadline outlives its own";
        case Property::only_the_living:
            return "actions speak of workers and generations that live, and ids are fresh";
        case Property::gone_ignored:
            return "an event about what is gone, or has happened before, changes nothing";
        case Property::offered_to_takers:
            return "a draining worker is offered its successor's inbox exactly where both sides speak the "
                   "channel";
        case Property::handoffs_sent_on:
            return "who hands over to where nobody will take any more is sent on, before anybody of there "
                   "drains";
        case Property::inbox_closed:
            return "an inbox is closed to senders, once, before anybody drains who takes from it, and open "
                   "while somebody does";
        case Property::inbox_forwarded:
            return "what is left in a gone generation's inbox goes on to the active one that takes, once, "
                   "before the release";
        case Property::connections_survive:
            return "a connection is lost only with a process that was killed, crashed or had no time left, "
                   "or "
                   "at a stop";
        case Property::connections_served:
            return "when faults cease, no connection is left in an inbox that nobody reads";
        case Property::clients_find_a_worker:
            return "of sockets that clients are spread over, they come to those whose worker accepts, and "
                   "stay "
                   "there";
        case Property::stop_leaves_nothing:
            return "a stop signals every worker once, a second one kills, and nothing is left";
        case Property::exit_once:
            return "Exit comes once, last, as soon as nothing is left, with the right code";
        case Property::told_truly: return "each change of state is told once, in order";
        case Property::actions_complete:
            return "actions say in full, and once, what the shell must know of it";
        case Property::outcomes_remembered:
            return "each request is answered once, when it is due, with what became of its reload";
        case Property::view_true: return "the view shows what is";
        case Property::converges:
            return "when faults cease, `count` workers are ready and nothing else is left";
        case Property::saving_changes_nothing: return "saving and restoring changes nothing that follows";
        case Property::deterministic: return "the same seed tells the same story";
    }
    std::abort();
}

}  // namespace sup::sim
