#include "master/releases/generation.h"

#include <algorithm>

#include "config/path.h"
#include "master/sockets/reuseport_group.h"

namespace sup {

core::Policy policy_of(const config::Config& config) {
    core::Policy policy;
    policy.count = config.worker.count;
    if (const auto* after = std::get_if<config::ReadyAfter>(&config.worker.ready))
        policy.ready_after = after->delay;
    policy.ready_timeout = config.worker.ready_timeout;
    policy.drain_timeout = config.drain.timeout;
    policy.soak = std::max(config.reload.soak.value_or(default_soak), shortest_soak);
    policy.later_soak = std::max(config.reload.soak.value_or(shortest_soak), shortest_soak);
    policy.start_soak = shortest_soak;
    if (config.reload.strategy == config::Strategy::rolling) policy.max_surge = config.reload.max_surge;
    policy.max_draining = config.reload.max_draining;
    policy.restart_min_uptime = config.restart.min_uptime;
    policy.backoff_min = config.restart.backoff_min;
    policy.backoff_max = config.restart.backoff_max;
    return policy;
}

std::vector<std::string> command_of(const Generation& generation) {
    std::vector<std::string> command = generation.executable->launch().leading;
    for (const config::Template& argument : generation.arguments.now()) command.push_back(argument.text());
    return command;
}

std::string release_of(const Generation& generation) {
    const std::string& program = generation.config.worker.program;
    const std::string& directory = generation.directory->path();
    std::string folder = config::folder_of(generation.executable->identity().path);
    const bool bare = program.find('/') == program.npos;
    const bool below = (folder + "/").starts_with(directory == "/" ? "/usr/" : directory + "/");
    if (bare || below || folder.starts_with("/usr/") || is_interpreter(program)) return directory;
    return folder;
}

std::vector<std::string> changes_of(const Generation& generation) {
    std::vector<std::string> changes;
    if (auto change = generation.executable->change()) changes.push_back(std::move(*change));
    if (auto change = generation.arguments.change()) changes.push_back(std::move(*change));
    return changes;
}

ListenerSplit split_listeners(const Generation& generation, core::Slot slot, const Generation* successor,
                              std::size_t successor_slots) {
    ListenerSplit split;
    for (const auto& listener : generation.listeners) {
        const auto has = [&](const auto& same) {
            return successor != nullptr && std::ranges::any_of(successor->listeners, same);
        };
        if (has([&](const auto& theirs) { return theirs->name() == listener->name(); })) {
            split.served.push_back(listener->name());
        }
        const auto& socket = listener->socket(slot);
        if (!has([&](const auto& theirs) { return theirs->serves(socket, successor_slots); })) {
            split.retired.push_back(listener->name());
        }
    }
    return split;
}

std::vector<std::string> describe_surplus_sockets(const Generation& next, const Generation& serving) {
    std::vector<std::string> warnings;
    for (const auto& listener : serving.listeners) {
        const auto& sockets = listener->sockets();
        const auto successor = std::ranges::find_if(
            next.listeners, [&](const auto& theirs) { return theirs->serves(sockets.front(), 1); });
        if (successor == next.listeners.end() || (*successor)->sockets().size() >= sockets.size()) continue;
        const bool tcp = listener->kind() == "tcp";
        const std::string what = tcp ? "connections" : "datagrams";
        std::string text = "listener " + listener->name() + " goes from " + std::to_string(sockets.size()) +
                           " sockets to " + std::to_string((*successor)->sockets().size()) +
                           ": the surplus ones get no new " + what + " and close with the old workers. ";
        text += tcp && migrates_queues()
                    ? "The kernel moves what is then in their queues to the remaining ones "
                      "(net.ipv4.tcp_migrate_req)"
                    : "Old workers that use sup's library empty their queues first; with others, " + what +
                          " that nobody has taken by then are lost" +
                          (tcp ? ", unless the sysctl net.ipv4.tcp_migrate_req is 1" : "");
        warnings.push_back(std::move(text));
    }
    return warnings;
}

}  // namespace sup
