#include "config/worker_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "config/display.h"
#include "config/nearest.h"

namespace sup::config {
namespace {

std::string words_for_unknown_listener(const std::string& name, const Config& config) {
    std::vector<std::string_view> names;
    for (const Listen& listen : config.listen) names.push_back(listen.name);
    const std::string words = "there is no listener " + in_quotes(name);
    if (const auto meant = nearest(name, names)) return words + "; did you mean " + in_quotes(*meant) + "?";
    return words + (names.empty() ? "; the configuration has none" : "; there are: " + quoted_list(names));
}

// Why a listener has no such thing; empty: it has.
std::string words_for_missing(const Placeholder& placeholder, const Listen& listen) {
    const bool of_unix = placeholder.word == "path";
    const bool of_inet = placeholder.word == "host" || placeholder.word == "port";
    if (of_unix && listen.address.inet() != nullptr) {
        return "listener " + in_quotes(placeholder.listener) + " has no path: it is not a unix socket";
    }
    if (of_inet && listen.address.inet() == nullptr) {
        return "listener " + in_quotes(placeholder.listener) + " has no " + placeholder.word +
               ": it is a unix socket";
    }
    return "";
}

void check_template(const Template& text, const Node& node, const std::string& pointer, const Config& config,
                    Collector& problems) {
    if (problems.about(pointer)) return;
    for (const Placeholder& placeholder : text.placeholders()) {
        if (placeholder.listener.empty()) continue;
        const auto listen = std::ranges::find(config.listen, placeholder.listener, &Listen::name);
        const std::string address = "/listen/" + std::to_string(listen - config.listen.begin()) + "/address";
        if (problems.about(address)) continue;
        const std::string words = listen == config.listen.end()
                                      ? words_for_unknown_listener(placeholder.listener, config)
                                      : words_for_missing(placeholder, *listen);
        if (!words.empty()) {
            problems.add(problems.offset_in_string(node.begin, placeholder.at), pointer, words);
        }
    }
}

void check_templates(const Node& worker, const Config& config, Collector& problems) {
    const Node* command = worker.find("command");
    const std::vector<Template>& arguments = config.worker.arguments;
    if (command != nullptr && command->children.size() == arguments.size() + 1) {
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            check_template(arguments[i], command->children[i + 1], "/worker/command/" + std::to_string(i + 1),
                           config, problems);
        }
    }
    const Node* env = worker.find("env");
    for (const auto& [name, value] : config.worker.env) {
        const Node* node = env == nullptr ? nullptr : env->find(name);
        if (node == nullptr) continue;
        const std::string pointer = "/worker/env" + pointer_token(name);
        check_template(value, *node, pointer, config, problems);
        if (name == "PATH" && !value.placeholders().empty()) {
            problems.add(
                node->begin, pointer,
                "PATH cannot have placeholders: the program is looked up in it before there is a worker");
        }
    }
}

void check_protocols(const Node& worker, const Config& config, Collector& problems) {
    if (!speaks(config.worker, Protocol::standard_input) || problems.about("/worker/protocols")) return;
    const std::size_t at = worker.find("protocols")->begin;
    if (config.worker.protocols.size() > 1) {
        problems.add(at, "/worker/protocols",
                     "\"stdin\" cannot be combined with others: with it the listener is descriptor 0, with "
                     "all others it is 3");
    }
    if (config.listen.size() != 1 && !problems.about("/listen")) {
        problems.add(
            at, "/worker/protocols",
            "\"stdin\" needs exactly one listener, and there are " + std::to_string(config.listen.size()));
    }
}

// A protocol that puts addresses into one variable, with characters of its own between them.
struct ListProtocol {
    Protocol protocol;
    std::string_view name;
    std::string_view separators;
    bool (*shown)(const Address& address);
};

constexpr std::array list_protocols{
    ListProtocol{Protocol::server_starter, "server-starter",
                 ";=", [](const Address& address) { return address.unix_domain() != nullptr; }},
    // It is told the name that a socket with a path was bound at, which is sup's own.
    ListProtocol{
        Protocol::php_fpm, "php-fpm", ",=",
        [](const Address& address) { return address.unix_domain() != nullptr && address.path() == nullptr; }},
};

void check_separators(const Node& listen, const Config& config, Collector& problems) {
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const std::string pointer = "/listen/" + std::to_string(i) + "/address";
        const Address& address = config.listen[i].address;
        for (const ListProtocol& rule : list_protocols) {
            if (!speaks(config.worker, rule.protocol) || !rule.shown(address) || problems.about(pointer))
                continue;
            const std::string& name = address.unix_domain()->name;
            const std::size_t at = name.find_first_of(rule.separators);
            if (at == name.npos) continue;
            problems.add(listen.children[i].find("address")->begin, pointer,
                         in_quotes(name) + " contains '" + name[at] + "', which the protocol " +
                             in_quotes(rule.name) + " puts between addresses: use another name");
        }
    }
}

void check_readiness(const Node& worker, const Config& config, Collector& problems) {
    const Node* ready = worker.find("ready");
    if (ready == nullptr || problems.about("/worker/ready")) return;
    if (std::holds_alternative<ReadyByAck>(config.worker.ready) &&
        !speaks(config.worker, Protocol::einhorn) && !problems.about("/worker/protocols")) {
        problems.add(
            ready->begin, "/worker/ready",
            "\"einhorn-ack\" needs \"protocols\": [\"einhorn\"], which tells the worker where to send it");
    }
    const auto* newline = std::get_if<ReadyByNewline>(&config.worker.ready);
    if (newline == nullptr || speaks(config.worker, Protocol::standard_input)) return;
    const std::size_t first_free = config.listen.size() + 3;
    if (static_cast<std::size_t>(newline->fd) >= first_free) return;
    problems.add(ready->begin, "/worker/ready",
                 "descriptor " + std::to_string(newline->fd) + " belongs to listener " +
                     in_quotes(config.listen[static_cast<std::size_t>(newline->fd) - 3].name) +
                     "; the first free one is " + std::to_string(first_free));
}

}  // namespace

void default_ready(const Node& root, Config& config) {
    const Node* worker = root.find("worker");
    if (worker == nullptr || worker->find("ready") != nullptr) return;
    if (speaks(config.worker, Protocol::einhorn)) config.worker.ready = ReadyByAck{};
}

void check_worker_rules(const Node& root, const Config& config, Collector& problems) {
    const Node* worker = root.find("worker");
    if (worker == nullptr) return;
    check_templates(*worker, config, problems);
    check_protocols(*worker, config, problems);
    const Node* listen = problems.about("/listen") ? nullptr : root.find("listen");
    if (listen != nullptr) check_separators(*listen, config, problems);
    check_readiness(*worker, config, problems);
}

}  // namespace sup::config
