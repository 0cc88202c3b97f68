#include "master/cli/stop_command.h"

#include <csignal>

#include "master/cli/ask.h"
#include "master/cli/connect.h"
#include "master/cli/orphans.h"
#include "master/cli/outcome_text.h"
#include "master/cli/progress.h"
#include "master/cli/terminal.h"
#include "master/runtime/process_identity.h"

namespace sup::cli {
namespace {

using Outcome = Result<Success, CommandError>;

// A second request to stop kills. Signals that come within a second are one request: a Ctrl-C may be heard twice.
Deadline next_wish() {
    return control::deadline_after(Duration{1'100});
}

CommandError still_going(const std::string& name) {
    return explain({control::CallError::Kind::timed_out, {}}, name, "the stop");
}

UniqueFd open_by_pid(pid_t pid) {
    const auto process = identify_process(pid);
    return process ? open_process(*process) : UniqueFd{};
}

// Whoever asked wants it all to end, also when the master died before it had ended its workers.
Outcome end_what_is_left(const Found& instance, bool now, const Deadline& deadline) {
    const Found after = look_at(instance.runtime_directory, instance.name);
    if (after.orphans.empty()) return Success{};
    return end_orphans(after, now, deadline);
}

// The answer comes a moment before the end; only when the process has gone its ports and its name are free.
Outcome wait_for_end(const Found& instance, const UniqueFd& master, bool now, const Deadline& deadline) {
    if (master && !control::wait_readable(master.get(), deadline)) return still_going(instance.name);
    return end_what_is_left(instance, now, deadline);
}

// What sup could not end.
Outcome tell_left_behind(const std::string& name, const std::vector<status::LeftBehind>& left_behind) {
    const std::string names = names_of_left_behind(left_behind);
    if (names.empty()) return Success{};
    return CommandError{ExitCode::failed, name + " has stopped, but this is left of it: " + names +
                                              "; end it as its user or as root"};
}

Outcome stop_master(control::Client& client, const Found& instance, bool now, const Deadline& deadline) {
    const UniqueFd master = open_by_pid(client.master_pid());
    Progress progress = Progress::on_stdout();
    const auto result =
        ask_stop(client, now, deadline, [&](const status::Event& event) { progress.take(event); });
    progress.clear();
    if (!result && result.error().kind != control::CallError::Kind::disconnected) {
        return explain(result.error(), instance.name, "the stop");
    }
    if (!master && !client.wait_for_end(deadline)) return still_going(instance.name);
    auto ended = wait_for_end(instance, master, now, deadline);
    if (!ended || !result) return ended;
    return tell_left_behind(instance.name, result->value.left_behind);
}

// Its socket is gone (a cleaner of /tmp may have taken it), but the lock says that it lives, and who it is is
// recorded.
Outcome stop_by_signal(const Found& instance, bool now, const Deadline& deadline) {
    const auto record = read_live_record(instance.paths.live_workers);
    if (!record) return CommandError{ExitCode::failed, record.error().message};
    const UniqueFd master = *record ? open_process((*record)->master) : UniqueFd{};
    if (!master) {
        if (!look_at(instance.runtime_directory, instance.name).running)
            return end_what_is_left(instance, now, deadline);
        return CommandError{
            ExitCode::failed,
            "instance " + instance.name + " is being started or stopped by another sup right now; try again"};
    }
    signal_process(master.get(), SIGTERM);
    while (now && !control::wait_readable(master.get(), control::earlier(deadline, next_wish())) &&
           !control::has_passed(deadline))
        signal_process(master.get(), SIGQUIT);
    return wait_for_end(instance, master, now, deadline);
}

Outcome stop(const StopOptions& options, std::string& name) {
    const auto deadline = control::deadline_after(options.timeout);
    const auto instance = choose_instance(options.name);
    if (!instance) return instance.error();
    name = instance->name;
    if (!instance->running) return end_orphans(*instance, options.now, deadline);
    auto client = connect_to(*instance, deadline);
    if (client) return stop_master(*client, *instance, options.now, deadline);
    if (client.error().code != ExitCode::not_running) return client.error();
    return stop_by_signal(*instance, options.now, deadline);
}

}  // namespace

ExitCode stop_command(const StopOptions& options) {
    std::string name;
    const auto outcome = stop(options, name);
    if (!outcome) {
        print_error(outcome.error().message);
        return outcome.error().code;
    }
    print(name + " has stopped\n");
    return ExitCode::done;
}

}  // namespace sup::cli
