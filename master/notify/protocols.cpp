#include "master/notify/protocols.h"

#include <algorithm>
#include <array>

#include "common/wire.h"

namespace sup {
namespace {

enum class Times {
    once,
    once_with_listeners,  // not at all when there are none
    joined,               // a part for each listener, all in one variable; not at all when there are none
    each,                 // a variable for each listener
};

// Name and value are templates.
struct Variable {
    std::string_view name;
    Times times;
    std::string_view value;
    std::string_view between = {};
    std::string_view value_for_any = {};   // empty: the same value
    std::string_view value_for_unix = {};  // empty: the same value
};

// sd_listen_fds(3)
constexpr std::array systemd{
    Variable{wire::listen_fds, Times::once_with_listeners, "{count}"},
    Variable{wire::listen_names, Times::joined, "{name}", ":"},
};

// Server::Starter's start_server: the keys are the addresses as its --port and --path had them.
constexpr std::array server_starter{
    Variable{"SERVER_STARTER_PORT", Times::joined, "{address}={fd}", ";", "{port}={fd}",
             "{public_path}={fd}"},
    Variable{"SERVER_STARTER_GENERATION", Times::once, "{generation}"},
};

constexpr std::array einhorn{
    Variable{"EINHORN_FD_COUNT", Times::once, "{count}"},
    Variable{"EINHORN_FD_{index}", Times::each, "{fd}"},
    Variable{"EINHORN_FD_FAMILY_{index}", Times::each, "{family}"},
    Variable{"EINHORN_FDS", Times::joined, "{fd}", " "},  // what workers of old versions read
    Variable{"EINHORN_MASTER_PID", Times::once, "{master}"},
    Variable{"EINHORN_CHILD_INDEX", Times::once, "{slot}"},
    Variable{"EINHORN_SOCK_PATH", Times::once, "{ack}"},
};

// What nginx says to its successor when its binary is upgraded. The last number needs its ';', too.
constexpr std::array nginx{Variable{"NGINX", Times::joined, "{fd};"}};

// What php-fpm says to itself when it is reloaded: each key must be what its `listen` resolves to. It unlinks
// the path that it finds here, so it gets the one that nobody connects to.
constexpr std::array php_fpm{
    Variable{"FPM_SOCKETS", Times::joined, "{host}:{port}={fd}", ",", "{host}:{port}={fd}", "{path}={fd}"}};

std::span<const Variable> table_of(config::Protocol protocol) {
    switch (protocol) {
        case config::Protocol::systemd: return systemd;
        case config::Protocol::server_starter: return server_starter;
        case config::Protocol::einhorn: return einhorn;
        case config::Protocol::nginx: return nginx;
        case config::Protocol::php_fpm: return php_fpm;
        case config::Protocol::standard_input: return {};
    }
    return {};
}

config::Template parse(std::string_view text) {
    static constexpr std::array<config::Word, 15> words{{{"name", false},
                                                         {"fd", false},
                                                         {"address", false},
                                                         {"family", false},
                                                         {"host", false},
                                                         {"port", false},
                                                         {"path", false},
                                                         {"public_path", false},
                                                         {"index", false},
                                                         {"count", false},
                                                         {"generation", false},
                                                         {"slot", false},
                                                         {"instance", false},
                                                         {"master", false},
                                                         {"ack", false}}};
    return config::Template::parse(text, words).value();
}

std::string_view value_for(const Variable& variable, ListenerFacts::Kind kind) {
    switch (kind) {
        case ListenerFacts::Kind::inet: break;
        case ListenerFacts::Kind::any:
            if (!variable.value_for_any.empty()) return variable.value_for_any;
            break;
        case ListenerFacts::Kind::unix_socket:
            if (!variable.value_for_unix.empty()) return variable.value_for_unix;
            break;
    }
    return variable.value;
}

void add(const Variable& variable, const WorkerFacts& facts, std::map<std::string, std::string>& out) {
    const bool once = variable.times == Times::once || variable.times == Times::once_with_listeners;
    if (facts.listeners.empty() && variable.times != Times::once) return;
    if (once) {
        out[std::string(variable.name)] = expand(parse(variable.value), facts);
        return;
    }
    std::string joined;
    for (std::size_t i = 0; i < facts.listeners.size(); ++i) {
        ListenerFacts listener = facts.listeners[i];
        listener.words["index"] = std::to_string(i);
        const std::string value = expand(parse(value_for(variable, listener.kind)), facts, &listener);
        if (variable.times == Times::each) {
            out[expand(parse(variable.name), facts, &listener)] = value;
        } else {
            if (i > 0) joined += variable.between;
            joined += value;
        }
    }
    if (variable.times == Times::joined) out[std::string(variable.name)] = joined;
}

}  // namespace

std::map<std::string, std::string> protocol_variables(std::span<const config::Protocol> protocols,
                                                      const WorkerFacts& facts) {
    std::map<std::string, std::string> variables;
    for (const config::Protocol protocol : protocols) {
        for (const Variable& variable : table_of(protocol)) add(variable, facts, variables);
    }
    return variables;
}

bool is_protocol_variable(std::string_view name) {
    constexpr std::array<std::string_view, 3> prefixes{"LISTEN_", "SERVER_STARTER_", "EINHORN_"};
    const auto begins = [&](std::string_view prefix) { return name.starts_with(prefix); };
    return std::ranges::any_of(prefixes, begins) || name == "NGINX" || name.starts_with("FPM_SOCKETS");
}

}  // namespace sup
