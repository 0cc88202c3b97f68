#include "master/cli/reload_command.h"

#include <nlohmann/json.hpp>

#include "master/cli/connect.h"
#include "master/cli/json_access.h"
#include "master/cli/json_output.h"
#include "master/cli/outcome_text.h"
#include "master/cli/progress.h"
#include "master/cli/terminal.h"

namespace sup::cli {
namespace {

using nlohmann::json;

ExitCode exit_code_of(const json& outcome) {
    if (text_of(outcome, "outcome") == "promoted") return ExitCode::done;
    return flag_of(outcome, "configuration_error") ? ExitCode::usage : ExitCode::failed;
}

void tell(const json& outcome, const ProgressModel& seen) {
    if (exit_code_of(outcome) == ExitCode::done)
        return print(harmless(describe_reload(outcome, seen)) + "\n");
    print_error(describe_failure("the reload failed, what served before still serves",
                                 text_of(outcome, "reason"), member(outcome, "worker_output")));
}

Result<json, CommandError> reload(const ReloadOptions& options, Progress& progress) {
    const auto deadline = control::deadline_after(options.timeout);
    const auto instance = choose_instance(options.name);
    if (!instance) return instance.error();
    if (!instance->running) {
        return CommandError{ExitCode::not_running, "the master of " + instance->name +
                                                       " is gone; `sup status " + instance->name +
                                                       "` shows what is left"};
    }
    auto client = connect_to(*instance, deadline);
    if (!client) return client.error();
    const json params{{"wait", options.drained ? "drained" : "promoted"}};
    auto outcome = client->call("reload", params, deadline, [&](const json& event) { progress.take(event); });
    progress.clear();
    if (!outcome) return explain(outcome.error(), instance->name, "the reload");
    return std::move(*outcome);
}

}  // namespace

ExitCode reload_command(const ReloadOptions& options) {
    Progress progress = options.json ? Progress::beside_json() : Progress::on_stdout();
    const auto outcome = reload(options, progress);
    if (!outcome) {
        print_error(outcome.error().message);
        return outcome.error().code;
    }
    if (options.json) {
        print_json(*outcome);
    } else {
        tell(*outcome, progress.model());
    }
    return exit_code_of(*outcome);
}

}  // namespace sup::cli
