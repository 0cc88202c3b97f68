#include "master/cli/list_command.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "master/cli/connect.h"
#include "master/cli/json_access.h"
#include "master/cli/json_output.h"
#include "master/cli/status_view.h"
#include "master/cli/terminal.h"

namespace sup::cli {
namespace {

using nlohmann::json;

// For each instance: one that is stuck must not hide the others for long.
constexpr Duration patience{2'000};

json describe(const Found& instance) {
    json entry{{"name", instance.name}, {"pid", nullptr},      {"state", "not responding"},
               {"config", nullptr},     {"degraded", nullptr}, {"serving", nullptr},
               {"wanted", nullptr}};
    if (instance.pid != 0) entry["pid"] = instance.pid;
    const auto deadline = control::deadline_after(patience);
    auto client = control::Client::connect(instance.paths.control_socket, deadline);
    if (!client) return entry;
    const auto status = client->call("status", json::object(), deadline);
    if (!status) return entry;
    for (const char* key : {"pid", "state", "config", "serving", "wanted"}) entry[key] = member(*status, key);
    entry["degraded"] = health_of(*status) != ExitCode::done;
    return entry;
}

}  // namespace

ExitCode list_command(const ListOptions& options) {
    const auto instances = find_instances();
    if (!instances) {
        print_error(instances.error().message);
        return instances.error().code;
    }
    json list = json::array();
    for (const auto& instance : instances->found) {
        if (instance.running) list.push_back(describe(instance));
        if (!instance.orphans.empty()) print_error(render_orphans(instance, Style{false}));
        if (!instance.damage.empty()) print_error(instance.damage);
    }
    const auto table = [&] {
        return list.empty() ? describe_absence("no instance", instances->runtime_directory) + "\n"
                            : render_list(list, style_for(STDOUT_FILENO));
    };
    const bool shown = options.json ? print_json(list) : print(table());
    return shown ? ExitCode::done : ExitCode::failed;
}

}  // namespace sup::cli
