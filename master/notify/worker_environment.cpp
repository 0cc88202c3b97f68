#include "master/notify/worker_environment.h"

#include <unistd.h>

#include <algorithm>

#include "common/wire.h"
#include "master/notify/protocols.h"

namespace sup {
namespace {

using Variables = std::map<std::string, std::string>;

bool speaks_to_the_master(std::string_view name) {
    return name.starts_with("WATCHDOG_") || is_protocol_variable(name) || is_reserved_variable(name);
}

Variables inherited_variables(const std::vector<std::string>& inherited) {
    Variables variables;
    for (const std::string& entry : inherited) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos || equals == 0) continue;
        const std::string name = entry.substr(0, equals);
        if (!speaks_to_the_master(name)) variables.emplace(name, entry.substr(equals + 1));
    }
    return variables;
}

void add_own(Variables& variables, const WorkerVariables& own) {
    variables[wire::instance] = own.instance;
    variables[wire::generation] = std::to_string(static_cast<std::uint32_t>(own.generation));
    variables[wire::slot] = std::to_string(own.slot);
    variables[wire::drain_signal] = std::to_string(own.drain_signal);
    variables[wire::drain_timeout_ms] = std::to_string(own.drain_timeout.count());
    if (!own.notify_socket.empty()) variables[wire::notify_socket] = own.notify_socket;
}

std::vector<std::string> entries(const Variables& variables) {
    std::vector<std::string> list;
    list.reserve(variables.size());
    for (const auto& [name, value] : variables) list.emplace_back(name).append("=").append(value);
    return list;
}

}  // namespace

bool is_reserved_variable(std::string_view name) {
    return std::ranges::find(wire::reserved_variables, name) != wire::reserved_variables.end();
}

WorkerFacts worker_facts(const WorkerVariables& variables) {
    WorkerFacts facts;
    facts.words = {{"instance", variables.instance},
                   {"generation", std::to_string(static_cast<std::uint32_t>(variables.generation))},
                   {"slot", std::to_string(variables.slot)},
                   {"count", std::to_string(variables.listeners.size())},
                   {"master", std::to_string(::getpid())},
                   {"ack", variables.ack_socket}};
    facts.listeners = variables.listeners;
    return facts;
}

std::vector<std::string> worker_arguments(const std::string& argv0,
                                          const std::vector<config::Template>& arguments,
                                          const WorkerFacts& facts) {
    std::vector<std::string> expanded{argv0};
    for (const config::Template& argument : arguments) expanded.push_back(expand(argument, facts));
    return expanded;
}

std::vector<std::string> base_environment(const std::vector<std::string>& inherited,
                                          const std::map<std::string, config::Template>& configured) {
    Variables variables = inherited_variables(inherited);
    for (const auto& [name, value] : configured) {
        if (!is_reserved_variable(name)) variables.insert_or_assign(name, value.text());
    }
    return entries(variables);
}

std::vector<std::string> worker_environment(const std::vector<std::string>& inherited,
                                            const std::map<std::string, config::Template>& configured,
                                            const WorkerVariables& variables) {
    const WorkerFacts facts = worker_facts(variables);
    Variables all = inherited_variables(inherited);
    // What this process inherited may lead through a link that has been moved.
    if (!variables.directory.empty()) all["PWD"] = variables.directory;
    for (auto& [name, value] : protocol_variables(variables.protocols, facts)) {
        all.insert_or_assign(name, value);
    }
    for (const auto& [name, value] : configured) {
        if (!is_reserved_variable(name)) all.insert_or_assign(name, expand(value, facts));
    }
    add_own(all, variables);
    return entries(all);
}

std::vector<std::string> current_environment() {
    std::vector<std::string> list;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) list.emplace_back(*entry);
    return list;
}

}  // namespace sup
