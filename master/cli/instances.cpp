#include "master/cli/instances.h"

#include <unistd.h>

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

// Where a record is damaged workers may live that nobody can name.
CommandError nothing_runs(const std::string& what, const Instances& instances) {
    std::string text = describe_absence(what, instances.runtime_directory);
    const auto damaged = those(instances.found, [](const Found& one) { return !one.damage.empty(); });
    for (const auto* one : damaged) text += "\n" + one->damage;
    return {damaged.empty() ? ExitCode::not_running : ExitCode::failed, text};
}

// Looks at no other folder: this one may be visible where the list of all is not.
Result<Found, CommandError> choose_named(const std::string& name) {
    if (!is_instance_name(name))
        return CommandError{ExitCode::usage, "'" + name + "' is not the name of an instance"};
    const auto runtime = runtime_directory();
    if (!runtime) return runtime.error();
    Found found = look_at(runtime->path, name);
    if (found.running || !found.orphans.empty()) return found;
    return nothing_runs("no instance " + name, {runtime->path, {found}});
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
    auto record = read_live_record(found.paths.live_workers);
    if (!record) {
        found.damage = record.error().message;
    } else if (*record) {
        found.orphans = still_alive(**record);
        found.record = std::move(*record);
    }
    return found;
}

std::string describe_absence(const std::string& what, const std::string& runtime_directory) {
    const bool there = ::access(runtime_directory.c_str(), F_OK) == 0;
    return what + " is running" +
           (there ? " in " + runtime_directory : ": " + errno_error(runtime_directory).message) +
           "; instances of other users, or with another SUP_RUNTIME_DIR, are elsewhere";
}

Result<Instances, CommandError> find_instances() {
    const auto runtime = runtime_directory();
    if (!runtime) return runtime.error();
    const auto names = instance_names(runtime->path);
    if (!names) return CommandError{ExitCode::failed, names.error().message};
    Instances instances{runtime->path, {}};
    std::transform(names->begin(), names->end(), std::back_inserter(instances.found),
                   [&](const std::string& name) { return look_at(runtime->path, name); });
    return instances;
}

Result<Found, CommandError> choose_instance(const std::string& name) {
    if (!name.empty()) return choose_named(name);
    const auto instances = find_instances();
    if (!instances) return instances.error();
    return choose_among(*instances);
}

Result<Found, CommandError> choose_among(const Instances& instances) {
    const auto running = those(instances.found, [](const Found& one) { return one.running; });
    const auto orphaned = those(instances.found, [](const Found& one) { return !one.orphans.empty(); });
    const auto& candidates = running.empty() ? orphaned : running;
    if (candidates.empty()) return nothing_runs("no instance", instances);
    if (candidates.size() > 1) {
        return CommandError{ExitCode::usage,
                            "several instances are running; say which one: " + list_names(candidates)};
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
