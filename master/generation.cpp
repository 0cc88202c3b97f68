#include "master/generation.h"

#include <algorithm>

namespace sup {

core::Policy policy_of(const config::Config& config) {
    core::Policy policy;
    policy.count = config.worker.count;
    if (const auto* after = std::get_if<config::ReadyAfter>(&config.worker.ready))
        policy.ready_after = after->delay;
    policy.ready_timeout = config.worker.ready_timeout;
    policy.drain_timeout = config.drain.timeout;
    policy.soak = config.reload.soak;
    if (config.reload.strategy == config::Strategy::rolling) policy.max_surge = config.reload.max_surge;
    policy.max_draining = config.reload.max_draining;
    policy.restart_min_uptime = config.restart.min_uptime;
    policy.backoff_min = config.restart.backoff_min;
    policy.backoff_max = config.restart.backoff_max;
    return policy;
}

ListenerSplit split_listeners(const Generation& generation, const Generation* successor) {
    ListenerSplit split;
    for (const auto& listener : generation.listeners) {
        const auto has = [&](const auto& same) {
            return successor != nullptr && std::ranges::any_of(successor->listeners, same);
        };
        if (has([&](const auto& theirs) { return theirs->name() == listener->name(); })) {
            split.served.push_back(listener->name());
        }
        if (!has([&](const auto& theirs) { return theirs->socket() == listener->socket(); })) {
            split.retired.push_back(listener->name());
        }
    }
    return split;
}

}  // namespace sup
