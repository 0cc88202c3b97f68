// The example worker: answers that tell who served them, and flags to make it misbehave on purpose.
#include "worker/hello/hello.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "common/duration.h"
#include "common/uv.h"
#include "sup/http/server.h"
#include "sup/worker.h"
#include "worker/hello/routes.h"

namespace sup::hello {
namespace {

constexpr int wrong_usage = 2;

struct Flags {
    std::string listen = "127.0.0.1:8999";
    std::string version;
    std::string ready_delay;
    std::string file;
    std::string crash_after;
    std::size_t max_connections = 0;
    bool fail_start = false;
    bool ignore_drain = false;
};

std::string check_duration(const std::string& text) {
    const auto duration = parse_duration(text);
    return duration ? std::string{} : duration.error().message;
}

std::optional<Duration> duration(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return *parse_duration(text);
}

void declare(CLI::App& app, Flags& flags) {
    const CLI::Validator is_duration(check_duration, "DURATION");
    app.add_option("--listen", flags.listen, "where to listen when no socket was inherited")
        ->type_name("ADDRESS")
        ->capture_default_str();
    app.add_option("--version-string", flags.version, "the version to answer with")
        ->type_name("V")
        ->capture_default_str();
    app.add_option("--ready-delay", flags.ready_delay, "serve and send READY=1 only after this long")
        ->check(is_duration);
    app.add_option("--file", flags.file, "what /file answers with")->type_name("PATH");
    app.add_option("--max-connections", flags.max_connections, "how many may be open at a time; 0: no limit")
        ->type_name("N");
    app.add_flag("--fail-start", flags.fail_start, "print a line to stderr and exit with 1");
    app.add_option("--crash-after", flags.crash_after, "abort this long after it is ready")
        ->check(is_duration);
    app.add_flag("--ignore-drain", flags.ignore_drain, "keep running when told to drain");
}

[[noreturn]] void crash() {
    std::fputs("hello-worker: crashing, as --crash-after says\n", stderr);
    std::abort();
}

int serve(const Flags& flags) {
    worker::Options options;
    options.listen = {flags.listen};
    options.max_connections = flags.max_connections;
    options.ready_at_start = flags.ready_delay.empty();
    options.handle_signals = !flags.ignore_drain;
    if (flags.ignore_drain) {
        for (const int signal : {SIGTERM, SIGQUIT, SIGINT}) std::signal(signal, SIG_IGN);
    }
    const auto crash_after = duration(flags.crash_after);
    uv::Timer* doom = nullptr;  // which the worker's loop must outlive
    if (crash_after) options.on_ready = [&] { doom->arm(*crash_after); };
    worker::Worker worker(std::move(options));
    http::Server server(worker, Routes(worker.loop(), {worker.generation(), flags.version, flags.file}));

    uv::Timer warm_up(worker.loop(), [&worker] { worker.ready(); });
    if (const auto delay = duration(flags.ready_delay)) warm_up.arm(*delay);
    uv::Timer end(worker.loop(), crash);
    doom = &end;
    return worker.run();
}

}  // namespace

int run(int argc, char** argv, const std::string& version) {
    Flags flags;
    flags.version = version;
    CLI::App app("The example worker of sup: answers HTTP/1.1 on every stream listener it inherits.",
                 "hello-worker");
    declare(app, flags);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : wrong_usage;
    }
    if (flags.fail_start) {
        std::fputs("hello-worker: failing to start, as --fail-start says\n", stderr);
        return 1;
    }
    return serve(flags);
}

}  // namespace sup::hello
