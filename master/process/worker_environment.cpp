#include "master/process/worker_environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace sup {
namespace {

using Variables = std::map<std::string, std::string>;

constexpr std::array<std::string_view, 12> reserved{
    "LISTEN_FDNAMES", "LISTEN_FDS",       "LISTEN_PID",           "LISTEN_PIDFDID",
    "NOTIFY_SOCKET",  "SUP_DRAIN_SIGNAL", "SUP_DRAIN_TIMEOUT_MS", "SUP_GENERATION",
    "SUP_INSTANCE",   "SUP_SLOT",         "WATCHDOG_PID",         "WATCHDOG_USEC"};

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

bool speaks_to_the_master(std::string_view name) {
    return starts_with(name, "LISTEN_") || starts_with(name, "WATCHDOG_") || is_reserved_variable(name);
}

Variables base_variables(const std::vector<std::string>& inherited, const Variables& configured) {
    Variables variables;
    for (const std::string& entry : inherited) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos || equals == 0) continue;
        const std::string name = entry.substr(0, equals);
        if (!speaks_to_the_master(name)) variables.emplace(name, entry.substr(equals + 1));
    }
    for (const auto& [name, value] : configured) {
        if (!is_reserved_variable(name)) variables.insert_or_assign(name, value);
    }
    return variables;
}

void add_own(Variables& variables, const WorkerVariables& own) {
    variables["SUP_INSTANCE"] = own.instance;
    variables["SUP_GENERATION"] = std::to_string(static_cast<std::uint32_t>(own.generation));
    variables["SUP_SLOT"] = std::to_string(own.slot);
    variables["SUP_DRAIN_SIGNAL"] = std::to_string(own.drain_signal);
    variables["SUP_DRAIN_TIMEOUT_MS"] = std::to_string(own.drain_timeout.count());
    if (!own.notify_socket.empty()) variables["NOTIFY_SOCKET"] = own.notify_socket;
    if (own.listener_names.empty()) return;
    std::string names;
    for (const std::string& name : own.listener_names) names += (names.empty() ? "" : ":") + name;
    variables["LISTEN_FDS"] = std::to_string(own.listener_names.size());
    variables["LISTEN_FDNAMES"] = names;
}

std::vector<std::string> entries(const Variables& variables) {
    std::vector<std::string> list;
    list.reserve(variables.size());
    for (const auto& [name, value] : variables) list.emplace_back(name).append("=").append(value);
    return list;
}

}  // namespace

bool is_reserved_variable(std::string_view name) {
    return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

std::vector<std::string> base_environment(const std::vector<std::string>& inherited,
                                          const std::map<std::string, std::string>& configured) {
    return entries(base_variables(inherited, configured));
}

std::vector<std::string> worker_environment(const std::vector<std::string>& inherited,
                                            const std::map<std::string, std::string>& configured,
                                            const WorkerVariables& variables) {
    Variables all = base_variables(inherited, configured);
    add_own(all, variables);
    return entries(all);
}

std::vector<std::string> current_environment() {
    std::vector<std::string> list;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) list.emplace_back(*entry);
    return list;
}

}  // namespace sup
