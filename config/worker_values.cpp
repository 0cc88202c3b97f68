#include "config/worker_values.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "config/path.h"

namespace sup::config {
namespace {

constexpr std::int64_t first_free_descriptor = 3;
constexpr std::int64_t last_descriptor = 1023;

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
void read_template(const Value& value, const std::string& what, Template& out, std::size_t prefix = 0) {
    std::string text;
    if (!read_string(value, what, text)) return;
    auto parsed = Template::parse(text);
    if (!parsed) {
        const TemplateProblem& problem = parsed.error();
        value.problems.add(value.problems.offset_in_string(value.node.begin, problem.at), value.pointer,
                           problem.message);
        return;
    }
    if (const std::size_t size = prefix + least_size(*parsed); size > longest_for_the_kernel()) {
        return value.refuse("an argument, or a variable with its name, has at most " +
                            std::to_string(longest_for_the_kernel()) + " bytes on this machine, found " +
                            std::to_string(size));
    }
    out = *std::move(parsed);
}

// {"fd": 4}
void read_ready_object(const Value& value, Ready& out) {
    if (const Node* connect = value.node.find("connect")) {
        return value.problems.add(connect->key_begin, value.pointer + "/connect",
                                  "a connection proves nothing: the socket is shared, and as long as an old "
                                  "worker accepts from it, it "
                                  "answers for the new one; use \"notify\", {\"fd\": N} or a duration");
    }
    const Node* fd = value.node.find("fd");
    if (fd == nullptr || value.node.children.size() != 1) return value.expected(R"({"fd": N})");
    const auto number = read_integer(value.member(*fd), {first_free_descriptor, last_descriptor});
    if (number) out = ReadyByNewline{static_cast<int>(*number)};
}

}  // namespace

void read_command(const Value& value, Worker& out) {
    static const std::string what = R"(an array of strings such as ["./server", "--flag"])";
    if (value.node.kind != Kind::array || value.node.children.empty()) return value.expected(what);
    std::string program;
    const Value program_value = value.element(0);
    if (read_string(program_value, "a string", program) && program.empty()) {
        program_value.expected("the path or name of a program");
    }
    if (program.find('/') != program.npos) program = absolute_path(value.folder, program);
    out.program = std::move(program);
    out.arguments.assign(value.node.children.size() - 1, {});
    for (std::size_t i = 0; i < out.arguments.size(); ++i) {
        read_template(value.element(i + 1), "a string", out.arguments[i]);
    }
}

void read_env(const Value& value, std::map<std::string, Template>& out) {
    if (value.node.kind != Kind::object)
        return value.expected(R"(an object of strings such as { "KEY": "value" })");
    out.clear();
    for (const Node& child : value.node.children) {
        const Value variable = value.member(child);
        if (!is_variable_name(variable)) continue;
        read_template(variable, "a string in double quotes", out[child.key], child.key.size() + 1);
    }
}

void read_protocols(const Value& value, std::vector<Protocol>& out) {
    static constexpr std::array<std::string_view, 6> names{"systemd", "server-starter", "einhorn",
                                                           "nginx",   "php-fpm",        "stdin"};
    static constexpr std::array<Protocol, 6> protocols{Protocol::systemd, Protocol::server_starter,
                                                       Protocol::einhorn, Protocol::nginx,
                                                       Protocol::php_fpm, Protocol::standard_input};
    if (value.node.kind != Kind::array)
        return value.expected(R"(an array of protocols such as ["systemd", "server-starter"])");
    out.clear();
    for (std::size_t i = 0; i < value.node.children.size(); ++i) {
        const Value element = value.element(i);
        const auto index = read_choice(element, names);
        if (!index) continue;
        if (std::ranges::find(out, protocols[*index]) != out.end()) {
            element.refuse(found(element.node) + " is named twice");
            continue;
        }
        out.push_back(protocols[*index]);
    }
}

void read_ready(const Value& value, Ready& out) {
    if (value.node.kind == Kind::string && value.node.text == "notify") {
        out = ReadyByNotify{};
        return;
    }
    if (value.node.kind == Kind::string && value.node.text == "einhorn-ack") {
        out = ReadyByAck{};
        return;
    }
    if (value.node.kind == Kind::object) return read_ready_object(value, out);
    const Result<Duration> delay = parse_duration(value.node.text);
    if (value.node.kind != Kind::string || !delay) {
        return value.expected(
            R"("notify", "einhorn-ack", {"fd": N}, or a duration such as "250ms" or "30s" after which a worker )"
            "is ready");
    }
    out = ReadyAfter{*delay};
}

}  // namespace sup::config
