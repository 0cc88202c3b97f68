#include "master/status/outcome.h"

namespace sup::status {

Reload picture_of(const ReloadOutcome& outcome) {
    Reload reload;
    if (outcome.generation) reload.generation = static_cast<std::uint32_t>(*outcome.generation);
    reload.outcome = outcome.promoted ? "promoted" : "failed";
    reload.reason = outcome.reason;
    reload.connections = {outcome.connections.handed_over, outcome.connections.drained,
                          outcome.connections.closed, outcome.connections.unreadable};
    reload.died = outcome.connections.died;
    reload.duration = outcome.duration;
    reload.at = outcome.at;
    reload.configuration_error = outcome.configuration_error;
    reload.worker_output = outcome.worker_output;
    return reload;
}

}  // namespace sup::status
