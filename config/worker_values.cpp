#include "config/worker_values.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/wire.h"
#include "config/path.h"

namespace sup::config {
namespace {

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
    if (std::ranges::find(wire::reserved_variables, name) != wire::reserved_variables.end()) {
        return refuse("sup itself sets this variable for each worker");
    }
    return true;
}

// Of one argument, or of a variable with its name: MAX_ARG_STRLEN, which counts the NUL, too (execve(2)).
std::size_t longest_for_the_kernel() {
    return 32 * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) - 1;
}

// Without what the placeholders will stand for.
std::size_t least_size(const Template& text) {
    std::size_t size = 0;
    for (const Piece& piece : text.pieces()) {
        if (const auto* literal = std::get_if<std::string>(&piece)) size += literal->size();
    }
    return size;
}

// Which of what it names exists is a cross rule. `prefix` is the size of what comes before it for the kernel.
std::optional<Template> read_template(const Value& value, const std::string& what, std::size_t prefix = 0) {
    const auto text = read_string(value, what);
    if (!text) return std::nullopt;
    auto parsed = Template::parse(*text);
    if (!parsed) {
        const TemplateProblem& problem = parsed.error();
        value.problems.add(value.problems.offset_in_string(value.node.begin, problem.at), value.pointer,
                           problem.message);
        return std::nullopt;
    }
    if (const std::size_t size = prefix + least_size(*parsed); size > longest_for_the_kernel()) {
        value.refuse("an argument, or a variable with its name, has at most " +
                     std::to_string(longest_for_the_kernel()) + " bytes on this machine, found " +
                     std::to_string(size));
        return std::nullopt;
    }
    return *std::move(parsed);
}

// {"fd": 4}
std::optional<Ready> read_ready_object(const Value& value) {
    if (const Node* connect = value.node.find("connect")) {
        value.problems.add(connect->key_begin, value.pointer + "/connect",
                           "a connection proves nothing: the socket is shared, and as long as an old worker "
                           "accepts from it, it answers for the new one; use \"notify\", {\"fd\": N} or a "
                           "duration");
        return std::nullopt;
    }
    const Node* fd = value.node.find("fd");
    if (fd == nullptr || value.node.children.size() != 1) {
        value.expected(R"({"fd": N})");
        return std::nullopt;
    }
    const auto number = read_integer(value.member(*fd), ready_descriptors);
    if (!number) return std::nullopt;
    return ReadyByNewline{static_cast<int>(*number)};
}

}  // namespace

std::span<const std::string_view> protocol_names() {
    static constexpr std::array<std::string_view, 6> names{"systemd", "server-starter", "einhorn",
                                                           "nginx",   "php-fpm",        "stdin"};
    return names;
}

std::optional<CommandLine> read_command(const Value& value) {
    static const std::string what = R"(an array of strings such as ["./server", "--flag"])";
    if (value.node.kind != Kind::array || value.node.children.empty()) {
        value.expected(what);
        return std::nullopt;
    }
    const Value program_value = value.element(0);
    const auto written = read_string(program_value, "a string");
    if (written && written->empty()) program_value.expected("the path or name of a program");
    CommandLine command{written.value_or(""), {}};
    if (command.program.find('/') != std::string::npos)
        command.program = absolute_path(value.folder, command.program);
    for (std::size_t i = 1; i < value.node.children.size(); ++i)
        command.arguments.push_back(read_template(value.element(i), "a string").value_or(Template{}));
    return command;
}

std::optional<std::map<std::string, Template>> read_env(const Value& value) {
    if (value.node.kind != Kind::object) {
        value.expected(R"(an object of strings such as { "KEY": "value" })");
        return std::nullopt;
    }
    std::map<std::string, Template> env;
    for (const Node& child : value.node.children) {
        const Value variable = value.member(child);
        if (!is_variable_name(variable)) continue;
        const auto text = read_template(variable, "a string in double quotes", child.key.size() + 1);
        env[child.key] = text.value_or(Template{});
    }
    return env;
}

std::optional<std::vector<Protocol>> read_protocols(const Value& value) {
    if (value.node.kind != Kind::array) {
        value.expected(R"(an array of protocols such as ["systemd", "server-starter"])");
        return std::nullopt;
    }
    std::vector<Protocol> protocols;
    for (std::size_t i = 0; i < value.node.children.size(); ++i) {
        const Value element = value.element(i);
        const auto index = read_choice(element, protocol_names());
        if (!index) continue;
        const auto protocol = static_cast<Protocol>(*index);
        if (std::ranges::find(protocols, protocol) != protocols.end()) {
            element.refuse(found(element.node) + " is named twice");
            continue;
        }
        protocols.push_back(protocol);
    }
    return protocols;
}

std::optional<Ready> read_ready(const Value& value) {
    if (value.node.kind == Kind::string && value.node.text == "notify") return ReadyByNotify{};
    if (value.node.kind == Kind::string && value.node.text == "einhorn-ack") return ReadyByAck{};
    if (value.node.kind == Kind::object) return read_ready_object(value);
    const Result<Duration> delay = parse_duration(value.node.text);
    if (value.node.kind == Kind::string && delay) return ReadyAfter{*delay};
    value.expected(
        R"("notify", "einhorn-ack", {"fd": N}, or a duration such as "250ms" or "30s" after which a worker )"
        "is ready");
    return std::nullopt;
}

}  // namespace sup::config
