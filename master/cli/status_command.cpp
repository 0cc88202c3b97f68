#include "master/cli/status_command.h"

#include <unistd.h>

#include "master/cli/ask.h"
#include "master/cli/connect.h"
#include "master/cli/json_output.h"
#include "master/cli/status_view.h"
#include "master/cli/terminal.h"

namespace sup::cli {
namespace {

// A master answers at once; one that does not is stopped or stuck.
constexpr Duration patience_with_status{10'000};

Result<Told<status::Picture>, CommandError> ask(const Found& instance) {
    const auto deadline = control::deadline_after(patience_with_status);
    auto client = connect_to(instance, deadline);
    if (!client) return client.error();
    auto status = ask_status(*client, deadline);
    if (status) return std::move(*status);
    if (status.error().kind == control::CallError::Kind::timed_out) {
        return CommandError{ExitCode::failed, "instance " + instance.name + " (pid " +
                                                  std::to_string(client->master_pid()) + ") does not answer"};
    }
    return explain(status.error(), instance.name, "the call");
}

ExitCode fail(const CommandError& error) {
    print_error(error.message);
    return error.code;
}

}  // namespace

ExitCode status_command(const StatusOptions& options) {
    const auto instance = choose_instance(options.name);
    if (!instance) return fail(instance.error());
    if (!instance->running) {
        return fail({ExitCode::not_running, render_orphans(*instance, Style{false})});
    }
    const auto status = ask(*instance);
    if (!status) return fail(status.error());
    const StatusView view{style_for(STDOUT_FILENO), std::chrono::system_clock::now()};
    const bool shown = options.json ? print_json(status->json) : print(render_status(status->value, view));
    if (!shown) return ExitCode::failed;
    if (options.check.empty()) return ExitCode::done;
    const ExitCode health = health_of(status->value);
    const bool serves = health != ExitCode::down;
    return options.check == "serving" && serves ? ExitCode::done : health;
}

}  // namespace sup::cli
