#include "master/cli/instances.h"

#include <algorithm>
#include <iterator>

#include "master/runtime/runtime_directory.h"

namespace sup::cli {
namespace {

std::string list_names(const std::vector<const Found*>& found) {
    std::string names;
    for (const auto* one : found) names += (names.empty() ? "" : ", ") + one->name;
    return names;
}

template <typename Predicate>
std::vector<const Found*> those(const std::vector<Found>& found, Predicate predicate) {
    std::vector<const Found*> chosen;
    for (const auto& one : found) {
        if (predicate(one)) chosen.push_back(&one);
    }
    return chosen;
}

Result<RuntimeDirectory, CommandError> runtime_directory() {
    RuntimeDirectory runtime = choose_runtime_directory(current_runtime_environment());
    const auto exists = runtime_directory_exists(runtime);
    if (!exists) return CommandError{ExitCode::failed, exists.error().message};
    return runtime;
}

// Looks at no other folder: this one may be visible where the list of all is not.
Result<Found, CommandError> choose_named(const std::string& name) {
    if (!is_instance_name(name))
        return CommandError{ExitCode::usage, "'" + name + "' is not the name of an instance"};
    const auto runtime = runtime_directory();
    if (!runtime) return runtime.error();
    Found found = look_at(runtime->path, name);
    if (found.running || !found.orphans.empty()) return found;
    // Workers may live that nobody can name.
    if (const auto record = read_live_record(found.paths.live_workers); !record)
        return CommandError{ExitCode::failed, record.error().message};
    return CommandError{ExitCode::not_running, "no instance " + name + " is running"};
}

}  // namespace

Found look_at(const std::string& runtime_directory, const std::string& name) {
    Found found{name, runtime_directory, InstancePaths{runtime_directory, name}, false, 0, std::nullopt, {}};
    const InstanceState state = probe_instance(found.paths);
    found.running = state.locked;
    if (state.locked) {
        found.pid = state.pid;
        return found;
    }
    // A record that cannot be read names nobody; a start or a stop will say what is wrong with it.
    if (auto record = read_live_record(found.paths.live_workers); record && *record) {
        found.orphans = still_alive(**record);
        found.record = std::move(*record);
    }
    return found;
}

Result<std::vector<Found>, CommandError> find_instances() {
    const auto runtime = runtime_directory();
    if (!runtime) return runtime.error();
    const auto names = instance_names(runtime->path);
    if (!names) return CommandError{ExitCode::failed, names.error().message};
    std::vector<Found> found;
    std::transform(names->begin(), names->end(), std::back_inserter(found),
                   [&](const std::string& name) { return look_at(runtime->path, name); });
    return found;
}

Result<Found, CommandError> choose_instance(const std::string& name) {
    if (!name.empty()) return choose_named(name);
    const auto found = find_instances();
    if (!found) return found.error();
    return choose_among(*found);
}

Result<Found, CommandError> choose_among(const std::vector<Found>& found) {
    const auto running = those(found, [](const Found& one) { return one.running; });
    const auto orphaned = those(found, [](const Found& one) { return !one.orphans.empty(); });
    const auto& candidates = running.empty() ? orphaned : running;
    if (candidates.empty()) return CommandError{ExitCode::not_running, "no instance is running"};
    if (candidates.size() > 1) {
        return CommandError{ExitCode::usage,
                            "there are several instances, say which one: " + list_names(candidates)};
    }
    return *candidates.front();
}

std::string describe_workers(const std::vector<LiveWorker>& workers) {
    std::string text = workers.size() == 1 ? "worker " : "workers ";
    for (std::size_t index = 0; index < workers.size(); ++index) {
        if (index > 0) text += index + 1 == workers.size() ? " and " : ", ";
        text += std::to_string(workers[index].process.pid);
    }
    return text;
}

}  // namespace sup::cli
