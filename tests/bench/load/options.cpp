#include "tests/bench/load/options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>

#include "common/duration.h"

namespace sup::bench {
namespace {

// A flag whose value is a duration such as "5ms".
CLI::Option* add_duration(CLI::App& app, const std::string& name, Span& into, const std::string& default_text,
                          const std::string& help) {
    const auto take = [&into](const std::string& text) {
        const auto parsed = parse_duration(text);
        if (!parsed) throw CLI::ValidationError(parsed.error().message);
        into = *parsed;
    };
    return app.add_option_function<std::string>(name, take, help)
        ->default_val(default_text)
        ->force_callback();
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    CLI::App app{"Asks an HTTP server under test, never retries, and counts every way in which it may fail."};
    const std::map<std::string, Mode> modes{
        {"fresh", Mode::fresh}, {"keepalive", Mode::keepalive}, {"idle", Mode::idle}};
    app.add_option("--host", options.host, "IPv4 address of the server")->capture_default_str();
    app.add_option("--port", options.port, "port of the server")->required();
    app.add_option("--path", options.path, "what to ask for")->capture_default_str();
    app.add_option("--mode", options.mode, "fresh, keepalive or idle")
        ->transform(CLI::CheckedTransformer(modes));
    app.add_option("--clients", options.clients, "clients at the same time")->check(CLI::Range(1, 60'000));
    add_duration(app, "--think", options.think, "0",
                 "pause of a client between an answer and its next request");
    add_duration(app, "--duration", options.duration, "5s", "how long to ask");
    add_duration(app, "--timeout", options.timeout, "5s", "after which a request has failed");
    add_duration(app, "--slice", options.slice, "50ms", "width of one point of the series");
    app.add_option("--body", options.body, "POST a body of so many bytes")->check(CLI::Range(0, 64 << 20));
    app.add_flag("--echo", options.echo, "the answer must be the body that was posted");
    try {
        app.parse(argc, argv);
        if (options.slice.count() == 0) throw CLI::ValidationError("--slice must be longer than nothing");
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error) == 0 ? 0 : 2);
    }
    return options;
}

std::string request_body(const Options& options) {
    std::string body(options.body, ' ');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 26);
    return body;
}

std::string request_bytes(const Options& options) {
    std::string text = options.body > 0 ? "POST " : "GET ";
    text += options.path + " HTTP/1.1\r\nHost: " + options.host + "\r\n";
    if (options.body > 0) text += "Content-Length: " + std::to_string(options.body) + "\r\n";
    if (options.mode == Mode::fresh) text += "Connection: close\r\n";
    return text + "\r\n" + request_body(options);
}

const char* to_string(Mode mode) noexcept {
    switch (mode) {
        case Mode::fresh: return "fresh";
        case Mode::keepalive: return "keepalive";
        case Mode::idle: return "idle";
    }
    return "?";
}

}  // namespace sup::bench
