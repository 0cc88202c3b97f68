#include "config/special_values.h"

#include <algorithm>
#include <array>

#include "config/address.h"
#include "config/cpu_count.h"
#include "config/display.h"
#include "config/nearest.h"
#include "config/path.h"
#include "config/signal_name.h"

namespace sup::config {
namespace {

// What sup itself says to a worker; two answers to one question would help nobody.
constexpr std::array<std::string_view, 12> reserved_variables{
    "LISTEN_FDS",     "LISTEN_PID",   "LISTEN_FDNAMES",   "LISTEN_PIDFDID",
    "NOTIFY_SOCKET",  "WATCHDOG_PID", "WATCHDOG_USEC",    "SUP_INSTANCE",
    "SUP_GENERATION", "SUP_SLOT",     "SUP_DRAIN_SIGNAL", "SUP_DRAIN_TIMEOUT_MS"};

// Whether a variable may have this name; reports why not.
bool is_variable_name(const Value& variable) {
    const std::string& name = variable.node.key;
    const auto refuse = [&](std::string message) {
        variable.problems.add(variable.node.key_begin, variable.pointer, std::move(message));
        return false;
    };
    if (name.empty()) return refuse("the name of an environment variable cannot be empty");
    if (name.find('=') != name.npos) return refuse("the name of an environment variable cannot contain '='");
    if (name.find('\0') != name.npos)
        return refuse("the name of an environment variable cannot contain a NUL character");
    if (std::ranges::find(reserved_variables, name) != reserved_variables.end()) {
        return refuse("sup itself sets this variable for each worker");
    }
    return true;
}

}  // namespace

bool is_name(std::string_view text) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const bool plain = text.find_first_not_of(allowed) == text.npos;
    return plain && !text.empty() && text.size() <= 64 && text != "." && text != "..";
}

std::string expected_name() {
    return "a name of 1 to 64 of the characters A-Z a-z 0-9 . _ -, other than \".\" and \"..\"";
}

void read_name(const Value& value, std::string& out) {
    if (value.node.kind != Kind::string || !is_name(value.node.text)) return value.expected(expected_name());
    out = value.node.text;
}

void read_address(const Value& value, TcpAddress& out) {
    std::string text;
    if (!read_string(value, R"(an address such as "127.0.0.1:80", "[::1]:80" or "*:80")", text)) return;
    Result<TcpAddress> address = parse_tcp_address(text);
    if (!address) return value.refuse(address.error().message);
    out = *std::move(address);
}

void read_command(const Value& value, std::vector<std::string>& out) {
    static const std::string what = R"(an array of strings such as ["./server", "--flag"])";
    if (value.node.kind != Kind::array || value.node.children.empty()) return value.expected(what);
    std::vector<std::string> command(value.node.children.size());
    for (std::size_t i = 0; i < command.size(); ++i) read_string(value.element(i), "a string", command[i]);
    std::string& program = command.front();
    const Value program_value = value.element(0);
    if (program_value.node.kind == Kind::string && program_value.node.text.empty()) {
        program_value.expected("the path or name of a program");
    }
    if (program.find('/') != program.npos) program = absolute_path(value.folder, program);
    out = std::move(command);
}

void read_count(const Value& value, std::uint32_t& out) {
    if (value.node.kind == Kind::string && value.node.text == "auto") {
        out = static_cast<std::uint32_t>(std::min<std::int64_t>(usable_cpus(), most_workers));
        return;
    }
    if (const auto count = read_integer(value, {1, most_workers}, " or \"auto\""))
        out = static_cast<std::uint32_t>(*count);
}

void read_env(const Value& value, std::map<std::string, std::string>& out) {
    if (value.node.kind != Kind::object)
        return value.expected(R"(an object of strings such as { "KEY": "value" })");
    out.clear();
    for (const Node& child : value.node.children) {
        const Value variable = value.member(child);
        std::string text;
        if (!is_variable_name(variable) || !read_string(variable, "a string in double quotes", text))
            continue;
        out[child.key] = std::move(text);
    }
}

void read_ready(const Value& value, Ready& out) {
    if (value.node.kind == Kind::string && value.node.text == "notify") {
        out = ReadyByNotify{};
        return;
    }
    const Result<Duration> delay = parse_duration(value.node.text);
    if (value.node.kind != Kind::string || !delay) {
        return value.expected(
            R"("notify", or a duration such as "250ms" or "30s" after which a worker is ready)");
    }
    out = ReadyAfter{*delay};
}

void read_signal(const Value& value, int& out) {
    static constexpr std::array<std::string_view, 6> usual{"SIGTERM", "SIGQUIT", "SIGINT",
                                                           "SIGHUP",  "SIGUSR1", "SIGUSR2"};
    static const std::string what = R"(the name of a signal such as "SIGTERM", "SIGQUIT" or "SIGUSR1")";
    std::string name;
    if (!read_string(value, what, name)) return;
    if (const std::optional<int> number = drain_signal(name)) {
        out = *number;
        return;
    }
    if (name == "SIGKILL" || name == "KILL" || name == "SIGSTOP" || name == "STOP") {
        return value.refuse(quoted(name) + " cannot be caught, so no worker could drain; use \"SIGTERM\"");
    }
    if (const auto meant = nearest(name, usual)) {
        return value.refuse("expected " + what + ", found " + quoted(name) + "; did you mean " +
                            quoted(*meant) + "?");
    }
    value.expected(what);
}

void read_strategy(const Value& value, Strategy& out) {
    static constexpr std::array<std::string_view, 2> strategies{"replace", "rolling"};
    if (const auto choice = read_choice(value, strategies)) out = static_cast<Strategy>(*choice);
}

}  // namespace sup::config
