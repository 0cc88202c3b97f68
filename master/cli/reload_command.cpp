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

struct Answer {
    json outcome;  // as `last_reload`
    json status;   // afterwards; null when the master did not tell
};

ExitCode exit_code_of(const json& outcome) {
    if (text_of(outcome, "outcome") == "promoted") return ExitCode::done;
    return flag_of(outcome, "configuration_error") ? ExitCode::usage : ExitCode::failed;
}

void tell(const Answer& answer) {
    if (exit_code_of(answer.outcome) == ExitCode::done) {
        print(harmless(describe_reload(answer.outcome, answer.status)) + "\n");
        return;
    }
    print_error(describe_failed_reload(answer.outcome, answer.status));
}

Result<Answer, CommandError> reload(const ReloadOptions& options, Progress& progress) {
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
    auto status = client->call("status", json::object(), deadline);
    return Answer{std::move(*outcome), status ? std::move(*status) : json()};
}

}  // namespace

ExitCode reload_command(const ReloadOptions& options) {
    Progress progress = options.json ? Progress::beside_json() : Progress::on_stdout();
    const auto answer = reload(options, progress);
    if (!answer) {
        print_error(answer.error().message);
        return answer.error().code;
    }
    if (options.json) {
        print_json(answer->outcome);
    } else {
        tell(*answer);
    }
    return exit_code_of(answer->outcome);
}

}  // namespace sup::cli
