#include "worker/lifecycle/environment.h"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "common/signal_name.h"
#include "common/wire.h"

namespace sup::worker {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

std::string take_variable(const char* name) {
    std::string value = variable(name);
    ::unsetenv(name);
    return value;
}

std::optional<long> number(const std::string& text) {
    long value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, value);
    if (text.empty() || problem != std::errc{} || rest != end || value < 0) return std::nullopt;
    return value;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parts;
}

// LISTEN_PID names the process that was started. sup makes that the leader of a process group of its own, so
// a program that a worker's wrapper script runs as its child knows the script by that and takes the
// descriptors, too.
bool is_for_this_process(long pid) {
    return pid == ::getpid() || (pid == ::getpgrp() && std::getenv(wire::instance) != nullptr);
}

}  // namespace

int parse_signal(const std::string& name) {
    if (const auto value = number(name)) return *value > 0 && *value < NSIG ? static_cast<int>(*value) : 0;
    return signal_number(name).value_or(0);
}

Environment take_environment() {
    Environment environment;
    const auto pid = number(take_variable(wire::listen_pid));
    const auto count = number(take_variable(wire::listen_fds));
    const std::string names = take_variable(wire::listen_names);
    if (pid && count && is_for_this_process(*pid)) {
        environment.listen_fds = static_cast<int>(std::min(*count, 4096L));
        environment.listen_names = split(names, ':');
    }
    environment.notify_socket = take_variable(wire::notify_socket);
    environment.instance = variable(wire::instance);
    environment.generation = static_cast<unsigned>(number(variable(wire::generation)).value_or(0));
    if (const auto timeout = number(variable(wire::drain_timeout_ms)))
        environment.drain_timeout = Duration{*timeout};
    environment.drain_signal = parse_signal(variable(wire::drain_signal));
    return environment;
}

}  // namespace sup::worker
