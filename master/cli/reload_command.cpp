#include "master/cli/reload_command.h"

#include "master/cli/ask.h"
#include "master/cli/connect.h"
#include "master/cli/json_output.h"
#include "master/cli/outcome_text.h"
#include "master/cli/progress.h"
#include "master/cli/terminal.h"

namespace sup::cli {
namespace {

struct Answer {
    Told<status::Reload> outcome;
    std::optional<status::Picture> after;  // none when the master did not tell
};

ExitCode exit_code_of(const status::Reload& outcome) {
    if (outcome.outcome == "promoted") return ExitCode::done;
    return outcome.configuration_error ? ExitCode::usage : ExitCode::failed;
}

void tell(const Answer& answer) {
    const status::Reload& outcome = answer.outcome.value;
    if (exit_code_of(outcome) == ExitCode::done) {
        print(harmless(describe_reload(outcome, answer.after)) + "\n");
        return;
    }
    print_error(describe_failed_reload(outcome, answer.after));
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
    auto outcome = ask_reload(*client, options.drained, deadline,
                              [&](const status::Event& event) { progress.take(event); });
    progress.clear();
    if (!outcome) return explain(outcome.error(), instance->name, "the reload");
    auto status = ask_status(*client, deadline);
    return Answer{std::move(*outcome), status ? std::optional(std::move(status->value)) : std::nullopt};
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
        print_json(answer->outcome.json);
    } else {
        tell(*answer);
    }
    return exit_code_of(answer->outcome.value);
}

}  // namespace sup::cli
