#include "master/cli/list_command.h"

#include <unistd.h>

#include "master/cli/ask.h"
#include "master/cli/instances.h"
#include "master/cli/json_output.h"
#include "master/cli/status_view.h"
#include "master/cli/terminal.h"
#include "master/status/json.h"

namespace sup::cli {
namespace {

// For each instance: one that is stuck must not hide the others for long.
constexpr Duration patience_with_one{2'000};

status::Listed look_into(const Found& instance) {
    status::Listed entry;
    entry.name = instance.name;
    if (instance.pid != 0) entry.pid = instance.pid;
    const auto deadline = control::deadline_after(patience_with_one);
    auto client = control::Client::connect(instance.paths.control_socket, deadline);
    if (!client) return entry;
    const auto told = ask_status(*client, deadline);
    if (!told) return entry;
    const status::Picture& picture = told->value;
    return {.name = instance.name,
            .pid = picture.pid,
            .state = picture.state,
            .config = picture.config,
            .degraded = health_of(picture) != ExitCode::done,
            .serving = picture.serving,
            .wanted = picture.wanted};
}

}  // namespace

ExitCode list_command(const ListOptions& options) {
    const auto instances = find_instances();
    if (!instances) {
        print_error(instances.error().message);
        return instances.error().code;
    }
    std::vector<status::Listed> list;
    for (const auto& instance : instances->found) {
        if (instance.running) list.push_back(look_into(instance));
        if (!instance.orphans.empty()) print_error(render_orphans(instance, Style{false}));
        if (!instance.damage.empty()) print_error(instance.damage);
    }
    const auto table = [&] {
        return list.empty() ? describe_absence("no instance", instances->runtime_directory) + "\n"
                            : render_list(list, style_for(STDOUT_FILENO));
    };
    const bool shown = options.json ? print_json(status::to_json(list)) : print(table());
    return shown ? ExitCode::done : ExitCode::failed;
}

}  // namespace sup::cli
