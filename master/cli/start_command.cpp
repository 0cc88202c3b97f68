#include "master/cli/start_command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <variant>

#include "common/signal_name.h"
#include "master/cli/ask.h"
#include "master/cli/background.h"
#include "master/cli/claim.h"
#include "master/cli/connect.h"
#include "master/cli/outcome_text.h"
#include "master/cli/progress.h"
#include "master/cli/terminal.h"
#include "master/control/line_stream.h"
#include "master/log/log_place.h"
#include "master/runtime/log_file.h"

namespace sup::cli {
namespace {

// How long a master may take to be gone after it has said that it failed.
constexpr Duration farewell{10'000};
// It answers at once, or something is wrong with it.
constexpr Duration patience_with_start{10'000};

struct Died {};
struct TimedOut {};
using Report = std::variant<status::Started, StartFailed, Died, TimedOut>;

// The outcome, when this line tells it.
std::optional<Report> understand(const std::string& line, Progress& progress) {
    const auto told = read_start_line(line);
    if (!told) return std::nullopt;
    if (const auto* event = std::get_if<status::Event>(&*told)) progress.take(*event);
    if (const auto* started = std::get_if<status::Started>(&*told)) return *started;
    if (const auto* failed = std::get_if<StartFailed>(&*told)) return *failed;
    return std::nullopt;
}

Report wait_for_report(int stream, const control::Deadline& deadline) {
    Progress progress = Progress::on_stdout();
    control::LineReader reader;
    while (true) {
        const auto line = reader.next(stream, deadline);
        const auto* text = std::get_if<std::string>(&line);
        auto outcome = text != nullptr ? understand(*text, progress) : std::nullopt;
        if (text != nullptr && !outcome) continue;
        progress.clear();
        if (outcome) return std::move(*outcome);
        return std::holds_alternative<control::TimedOut>(line) ? Report{TimedOut{}} : Report{Died{}};
    }
}

// "was killed by signal 9 (SIGKILL)"; empty when it is still there.
std::string wait_for_exit(pid_t pid, Duration limit) {
    if (const auto process = identify_process(pid)) {
        const UniqueFd ending = open_process(*process);
        if (ending && !control::wait_readable(ending.get(), control::deadline_after(limit))) return {};
    }
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) return "ended";
    if (WIFSIGNALED(status)) return "was killed by " + numbered_signal(WTERMSIG(status));
    return "exited with code " + std::to_string(WEXITSTATUS(status));
}

// ", its last lines:" and those, or nothing.
std::string last_lines_of(const std::string& log) {
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(log, unknown)) return {};
    constexpr std::streamoff most_bytes = 4096;
    constexpr std::size_t most_lines = 5;
    std::ifstream file{log, std::ios::binary | std::ios::ate};
    file.seekg(std::max<std::streamoff>(file.tellg() - most_bytes, 0));
    std::deque<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(std::move(line));
        if (lines.size() > most_lines) lines.pop_front();
    }
    std::string text;
    for (const std::string& line : lines) text += "\n  " + line;
    return text.empty() ? text : ", its last lines:" + text;
}

class Start {
public:
    Start(Claim claim, BackgroundMaster master)
        : name_(claim.directory.name()), claim_(std::move(claim)), master_(std::move(master)) {}

    ExitCode finish(const control::Deadline& deadline) {
        const Report report = wait_for_report(master_.report.get(), deadline);
        return std::visit([this](const auto& outcome) { return conclude(outcome); }, report);
    }

private:
    ExitCode conclude(const status::Started& started) {
        // Asked over the control socket, so that whoever comes next finds it answering.
        const Found instance{name_, {}, claim_.directory.paths(), true, master_.pid, std::nullopt, {}};
        const auto deadline = control::deadline_after(patience_with_start);
        auto client = connect_to(instance, deadline);
        if (!client) return fail(client.error());
        const auto status = ask_status(*client, deadline);
        const bool turned_away = !status && status.error().kind == control::CallError::Kind::turned_away;
        if (!status && !turned_away) return fail(explain(status.error(), name_, "the start"));
        const auto after = status ? std::optional(status->value) : std::nullopt;
        print(harmless(describe_start(started, after)) + "\n");
        if (const auto& file = claim_.config.log.file; file && own_descriptor(*file)) {
            print_error("note: log.file is " + *file +
                        ", and in the background sup does not have that "
                        "descriptor: the log is " +
                        claim_.directory.paths().log);
        }
        if (claim_.config.log.workers == config::WorkerOutput::inherit && !claim_.config.log.file) {
            print_error("note: log.file is not set, and log.workers is \"inherit\": " +
                        claim_.directory.paths().log + " grows without limit");
        }
        return ExitCode::done;
    }

    ExitCode conclude(const StartFailed& start) {
        const status::FailedStart& failed = start.facts;
        const bool gone = !wait_for_exit(master_.pid, farewell).empty();
        // The master removes its folder itself, but not when it failed before it could.
        if (gone) [[maybe_unused]]
            const auto removed = claim_.directory.remove_all();
        std::string message = describe_failure(name_ + " did not start", start.reason, failed.worker_output);
        if (const std::string left = names_of_left_behind(failed.left_behind); !left.empty())
            message += "\nthis is left of it: " + left + "; end it as its user or as root";
        std::error_code unknown;
        if (!failed.log.empty())
            message += "\nthe log is " + failed.log;
        else if (claim_.config.log.file && std::filesystem::is_regular_file(*claim_.config.log.file, unknown))
            message += "\nthe log is " + *claim_.config.log.file;
        if (!gone) message += "\nits master (pid " + std::to_string(master_.pid) + ") is still shutting down";
        return fail({failed.configuration_error ? ExitCode::usage : ExitCode::failed, message});
    }

    ExitCode conclude(const Died&) {
        const std::string how = wait_for_exit(master_.pid, farewell);
        std::string message = name_ + " did not start: its master (pid " + std::to_string(master_.pid) +
                              ") " + (how.empty() ? "closed its report without an outcome" : how);
        const auto record = read_live_record(claim_.directory.paths().live_workers);
        const auto orphans = record && *record ? still_alive(**record) : std::vector<LiveWorker>{};
        if (!orphans.empty())
            message += "\n" + describe_workers(orphans) + " still " + (orphans.size() == 1 ? "runs" : "run") +
                       "; `sup stop " + name_ + "` ends what is left";
        const std::string log = log_place(claim_.config, claim_.directory.paths(), true).file;
        message += "\nthe log is " + log + last_lines_of(log);
        return fail({ExitCode::failed, message});
    }

    ExitCode conclude(const TimedOut&) {
        return fail(explain({control::CallError::Kind::timed_out, {}}, name_, "the start"));
    }

    static ExitCode fail(const CommandError& error) {
        print_error(error.message);
        return error.code;
    }

    std::string name_;
    Claim claim_;
    BackgroundMaster master_;
};

Result<Start, CommandError> begin(const std::string& config_path) {
    auto claimed = claim(config_path);
    if (!claimed) return claimed.error();
    auto master = start_in_background(*claimed);
    if (!master) {
        [[maybe_unused]] const auto removed = claimed->directory.remove_all();
        return CommandError{ExitCode::failed, master.error().message};
    }
    return Start{std::move(*claimed), std::move(*master)};
}

}  // namespace

ExitCode start_command(const StartOptions& options) {
    const auto deadline = control::deadline_after(options.timeout);
    auto start = begin(options.config_path);
    if (!start) {
        print_error(start.error().message);
        return start.error().code;
    }
    return start->finish(deadline);
}

}  // namespace sup::cli
