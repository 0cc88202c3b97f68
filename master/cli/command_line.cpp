#include "master/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>

#include "common/duration.h"
#include "common/version.h"
#include "master/cli/check_command.h"
#include "master/cli/list_command.h"
#include "master/cli/reload_command.h"
#include "master/cli/run_command.h"
#include "master/cli/schema_command.h"
#include "master/cli/start_command.h"
#include "master/cli/status_command.h"
#include "master/cli/stop_command.h"
#include "master/cli/terminal.h"
#include "master/spawn/descriptor_limit.h"

namespace sup::cli {
namespace {

// Set by the callback of the command that was given.
using Chosen = std::function<int()>;

int number(ExitCode code) {
    return static_cast<int>(code);
}

void add_timeout(CLI::App& command, Duration& timeout) {
    command
        .add_option_function<std::string>(
            "--timeout",
            [&timeout](const std::string& text) {
                const auto parsed = parse_duration(text);
                if (!parsed) throw CLI::ValidationError("--timeout", parsed.error().message);
                timeout = *parsed;
            },
            "Give up waiting after this long (exit code 4); the operation continues")
        ->type_name("DURATION")
        ->default_str(format_duration(timeout));
}

// A variable of a script that is not set must not come to mean something else.
CLI::Option* refuse_empty(CLI::Option* option, const std::string& message) {
    return option->type_name("")->check(
        [message](const std::string& given) { return given.empty() ? message : std::string(); });
}

void add_name(CLI::App& command, std::string& name) {
    refuse_empty(command.add_option("NAME", name, "The instance; may be omitted when only one is running"),
                 "the name is empty; omit it to use the only running instance");
}

void add_config(CLI::App& command, std::string& path) {
    refuse_empty(command.add_option("CONFIG", path, "The configuration file"), "the path is empty")
        ->required();
}

void add_json(CLI::App& command, bool& wanted) {
    command.add_flag("--json", wanted, "Print JSON for programs");
}

// The options of all commands, filled by the parser before `chosen` runs.
struct Options {
    StartOptions start;
    std::string run_config;
    ReloadOptions reload;
    StatusOptions status;
    StopOptions stop;
    ListOptions list;
    std::string check_config;
    SchemaOptions schema;
    Chosen chosen;
};

void add_start_and_run(CLI::App& app, Options& options) {
    auto* start = app.add_subcommand("start", "Start an instance in the background; returns when it serves");
    add_config(*start, options.start.config_path);
    add_timeout(*start, options.start.timeout);
    start->callback([&] { options.chosen = [&] { return number(start_command(options.start)); }; });

    auto* run =
        app.add_subcommand("run", "Run an instance in the foreground (systemd, containers, debugging)");
    add_config(*run, options.run_config);
    run->callback([&] { options.chosen = [&] { return run_command(options.run_config); }; });
}

void add_reload(CLI::App& app, Options& options) {
    auto* reload = app.add_subcommand("reload", "Start a new generation of workers and drain the old one");
    add_name(*reload, options.reload.name);
    add_timeout(*reload, options.reload.timeout);
    reload->add_flag("--drained", options.reload.drained, "Also wait until the old generation is gone");
    add_json(*reload, options.reload.json);
    reload->callback([&] { options.chosen = [&] { return number(reload_command(options.reload)); }; });
}

void add_status_and_list(CLI::App& app, Options& options) {
    auto* status = app.add_subcommand("status", "Show an instance: its generations and their workers");
    add_name(*status, options.status.name);
    add_json(*status, options.status.json);
    status
        ->add_flag(
            "--check{all}", options.status.check,
            "Also answer by the exit code: 0 all is well, 5 it serves but not all is well, 6 it is down; "
            "--check=serving: 0 unless it is down")
        ->check(CLI::IsMember({"all", "serving"}))
        ->type_name("");
    status->callback([&] { options.chosen = [&] { return number(status_command(options.status)); }; });

    auto* list = app.add_subcommand("list", "List the running instances");
    add_json(*list, options.list.json);
    list->callback([&] { options.chosen = [&] { return number(list_command(options.list)); }; });
}

void add_stop(CLI::App& app, Options& options) {
    auto* stop = app.add_subcommand("stop", "Drain and stop an instance; returns when nothing of it is left");
    add_name(*stop, options.stop.name);
    stop->add_flag("--now", options.stop.now, "Kill the workers instead of letting them drain");
    add_timeout(*stop, options.stop.timeout);
    stop->callback([&] { options.chosen = [&] { return number(stop_command(options.stop)); }; });
}

void add_check(CLI::App& app, Options& options) {
    auto* check = app.add_subcommand("check", "Validate a configuration; touches nothing");
    add_config(*check, options.check_config);
    check->callback([&] {
        options.chosen = [&] {
            std::ostringstream out;
            const int code = check_command(options.check_config, out, std::cerr);
            return print(out.str()) ? code : number(ExitCode::failed);
        };
    });
}

void add_schema(CLI::App& app, Options& options) {
    auto* schema =
        app.add_subcommand("schema", "Print all keys of a configuration, as a JSON schema for editors");
    schema
        ->add_flag("--markdown{whole}", options.schema.markdown,
                   "Print them as tables for people; --markdown=short: one line for each key")
        ->check(CLI::IsMember({"whole", "short"}))
        ->type_name("");
    schema->callback([&] { options.chosen = [&] { return number(schema_command(options.schema)); }; });
}

// Help, a version, or what is wrong with the command line.
int tell(const CLI::App& app, const CLI::ParseError& error) {
    std::ostringstream out;
    const bool asked_for = app.exit(error, out, std::cerr) == 0;
    const bool printed = print(out.str());
    if (!asked_for) return number(ExitCode::usage);
    return number(printed ? ExitCode::done : ExitCode::failed);
}

int run_chosen(int argc, char** argv) {
    CLI::App app{"Swaps worker generations on the same sockets without losing a connection.", "sup"};
    app.set_version_flag("--version", std::string("sup ") + version);
    app.require_subcommand(0, 1);  // none is noticed below, with what was given in its place named
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return std::string("sup: ") + error.what() + "\nsup: see `sup --help` and `sup COMMAND --help`\n";
    });
    app.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app.get_formatter()->column_width(20);
    Options options;
    add_start_and_run(app, options);
    add_reload(app, options);
    add_status_and_list(app, options);
    add_stop(app, options);
    add_check(app, options);
    add_schema(app, options);
    for (auto* command : app.get_subcommands({})) command->group("Commands");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return tell(app, error);
    }
    if (options.chosen) return options.chosen();
    std::cerr << app.help();
    return number(ExitCode::usage);
}

}  // namespace

int run_command_line(int argc, char** argv) {
    // Whoever reads our output may go before the end (`sup stop | head -1`); what was asked for is done all
    // the same. Nor does a limit on the size of files end it halfway.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    // Before anything is opened, so that nothing of ours takes the place of what the caller has closed.
    if (const Status ready = ensure_standard_descriptors(); !ready) return number(ExitCode::failed);
    try {
        return run_chosen(argc, argv);
    } catch (const std::exception& error) {
        print_error(error.what());
        return number(ExitCode::failed);
    }
}

}  // namespace sup::cli
