#include "worker/lifecycle/environment.h"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

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
    return pid == ::getpid() || (pid == ::getpgrp() && std::getenv("SUP_INSTANCE") != nullptr);
}

}  // namespace

int parse_signal(const std::string& name) {
    if (const auto value = number(name)) return *value > 0 && *value < NSIG ? static_cast<int>(*value) : 0;
    const std::string plain = name.rfind("SIG", 0) == 0 ? name.substr(3) : name;
    for (int i = 1; i < NSIG; ++i) {
        const char* abbreviation = ::sigabbrev_np(i);
        if (abbreviation != nullptr && plain == abbreviation) return i;
    }
    return 0;
}

Environment take_environment() {
    Environment environment;
    const auto pid = number(take_variable("LISTEN_PID"));
    const auto count = number(take_variable("LISTEN_FDS"));
    const std::string names = take_variable("LISTEN_FDNAMES");
    if (pid && count && is_for_this_process(*pid)) {
        environment.listen_fds = static_cast<int>(std::min(*count, 4096L));
        environment.listen_names = split(names, ':');
    }
    environment.notify_socket = take_variable("NOTIFY_SOCKET");
    environment.instance = variable("SUP_INSTANCE");
    environment.generation = static_cast<unsigned>(number(variable("SUP_GENERATION")).value_or(0));
    if (const auto timeout = number(variable("SUP_DRAIN_TIMEOUT_MS")))
        environment.drain_timeout = Duration{*timeout};
    environment.drain_signal = parse_signal(variable("SUP_DRAIN_SIGNAL"));
    return environment;
}

}  // namespace sup::worker
