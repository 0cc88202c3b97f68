#include "config/keys.h"

#include <algorithm>
#include <array>

#include "config/display.h"
#include "config/nearest.h"
#include "config/special_values.h"
#include "config/worker_values.h"

namespace sup::config {
namespace {

using namespace std::chrono_literals;

struct Section;

struct Key {
    std::string_view name;
    void (*read)(const Value& value,
                 Config& config);      // of an object with keys of its own: nullptr, or a reader of many
    const Section* section = nullptr;  // the keys of its object, or of each object in its array
    std::string_view missing = "";     // not empty: the key must be given, for example so
};

struct Section {
    std::span<const Key> keys;
};

template <typename T, std::size_t N>
void choose(const Value& value, const std::array<std::string_view, N>& names, const std::array<T, N>& values,
            T& out) {
    if (const auto index = read_choice(value, names)) out = values[*index];
}

void read_listen(const Value& value, Config& config);

constexpr std::size_t most_listeners = 1000;
constexpr std::int64_t largest_backlog = 1'000'000;
constexpr std::int64_t most_draining = 100;
constexpr std::int64_t most_old_logs = 1000;
constexpr std::uint64_t largest_log = std::uint64_t{1} << 40U;
constexpr std::uint64_t smallest_queue = std::uint64_t{4} << 10U;
constexpr std::uint64_t largest_queue = std::uint64_t{1} << 30U;

// The rules. A listener is read into the last one of `config.listen`.

constexpr std::array listen_keys{
    Key{"name", [](const Value& v, Config& c) { read_name(v, c.listen.back().name); }},
    Key{"address", [](const Value& v, Config& c) { read_address(v, c.listen.back().address); }, nullptr,
        R"("address": "127.0.0.1:8080")"},
    Key{"backlog",
        [](const Value& v, Config& c) {
            if (const auto n = read_integer(v, {1, largest_backlog}))
                c.listen.back().backlog = static_cast<int>(*n);
        }},
    Key{"nonblock", [](const Value& v, Config& c) { read_boolean(v, c.listen.back().nonblock); }},
    Key{"ipv6only", [](const Value& v, Config& c) { read_boolean(v, c.listen.back().ipv6only); }},
    Key{"reuseport", [](const Value& v, Config& c) { read_boolean(v, c.listen.back().reuseport); }},
    Key{"tcp_nodelay",
        [](const Value& v, Config& c) {
            bool on = false;
            read_boolean(v, on);
            c.listen.back().tcp_nodelay = on;
        }},
    Key{"fastopen",
        [](const Value& v, Config& c) {
            if (const auto n = read_integer(v, {0, largest_backlog}))
                c.listen.back().fastopen = static_cast<int>(*n);
        }},
    Key{"defer_accept",
        [](const Value& v, Config& c) {
            Duration duration{};
            read_duration(v, 0ms, duration);
            c.listen.back().defer_accept = duration;
        }},
    Key{"mode", [](const Value& v, Config& c) { read_mode(v, c.listen.back().access.mode); }},
    Key{"owner",
        [](const Value& v, Config& c) {
            read_account(v, R"(a user such as "www-data" or "33")", c.listen.back().access.owner);
        }},
    Key{"group",
        [](const Value& v, Config& c) {
            read_account(v, R"(a group such as "www-data" or "33")", c.listen.back().access.group);
        }},
};
constexpr Section listen_section{listen_keys};

constexpr std::array worker_keys{
    Key{"command", [](const Value& v, Config& c) { read_command(v, c.worker); }, nullptr,
        R"("command": ["./server"])"},
    Key{"count", [](const Value& v, Config& c) { read_count(v, c.worker.count); }},
    Key{"cwd", [](const Value& v, Config& c) { read_path(v, c.worker.cwd); }},
    Key{"env", [](const Value& v, Config& c) { read_env(v, c.worker.env); }},
    Key{"protocols", [](const Value& v, Config& c) { read_protocols(v, c.worker.protocols); }},
    Key{"ready", [](const Value& v, Config& c) { read_ready(v, c.worker.ready); }},
    Key{"ready_timeout", [](const Value& v, Config& c) { read_duration(v, 1ms, c.worker.ready_timeout); }},
    Key{"leftovers",
        [](const Value& v, Config& c) {
            choose<bool, 2>(v, {"end", "leave"}, {true, false}, c.worker.end_leftovers);
        }},
};
constexpr Section worker_section{worker_keys};

constexpr std::array drain_keys{
    Key{"to",
        [](const Value& v, Config& c) {
            choose<DrainTo, 4>(v, {"auto", "main", "ready", "group"},
                               {DrainTo::automatic, DrainTo::main, DrainTo::ready, DrainTo::group},
                               c.drain.to);
        }},
    Key{"signal", [](const Value& v, Config& c) { read_signal(v, c.drain.signal); }},
    Key{"timeout", [](const Value& v, Config& c) { read_duration(v, 1ms, c.drain.timeout); }},
};
constexpr Section drain_section{drain_keys};

constexpr std::array reload_keys{
    Key{"strategy", [](const Value& v, Config& c) { read_strategy(v, c.reload.strategy); }},
    Key{"max_surge",
        [](const Value& v, Config& c) {
            if (const auto n = read_integer(v, {1, most_workers}))
                c.reload.max_surge = static_cast<std::uint32_t>(*n);
        }},
    Key{"soak", [](const Value& v, Config& c) { read_duration(v, 0ms, c.reload.soak.emplace()); }},
    Key{"max_draining",
        [](const Value& v, Config& c) {
            if (const auto n = read_integer(v, {1, most_draining}))
                c.reload.max_draining = static_cast<std::uint32_t>(*n);
        }},
};
constexpr Section reload_section{reload_keys};

constexpr std::array restart_keys{
    Key{"min_uptime", [](const Value& v, Config& c) { read_duration(v, 0ms, c.restart.min_uptime); }},
    Key{"backoff_min", [](const Value& v, Config& c) { read_duration(v, 1ms, c.restart.backoff_min); }},
    Key{"backoff_max", [](const Value& v, Config& c) { read_duration(v, 1ms, c.restart.backoff_max); }},
};
constexpr Section restart_section{restart_keys};

constexpr std::array when_slow_keys{
    Key{"wait",
        [](const Value& v, Config& c) {
            Duration wait{};
            if (v.node.kind == Kind::string && v.node.text == "forever") {
                c.log.when_slow.wait.reset();
            } else if (read_duration(v, 0ms, wait)) {
                c.log.when_slow.wait = wait;
            }
        }},
    Key{"queue",
        [](const Value& v, Config& c) {
            if (const auto bytes = read_size(v, {smallest_queue, largest_queue}))
                c.log.when_slow.queue_bytes = static_cast<std::size_t>(*bytes);
        }},
};
constexpr Section when_slow_section{when_slow_keys};

constexpr std::array log_keys{
    Key{"level",
        [](const Value& v, Config& c) {
            choose<LogLevel, 5>(
                v, {"trace", "debug", "info", "warning", "error"},
                {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error},
                c.log.level);
        }},
    Key{"format",
        [](const Value& v, Config& c) {
            choose<LogFormat, 2>(v, {"text", "json"}, {LogFormat::text, LogFormat::json}, c.log.format);
        }},
    Key{"workers",
        [](const Value& v, Config& c) {
            choose<WorkerOutput, 2>(v, {"capture", "inherit"}, {WorkerOutput::capture, WorkerOutput::inherit},
                                    c.log.workers);
        }},
    Key{"file",
        [](const Value& v, Config& c) {
            std::string path;
            read_path(v, path);
            if (!path.empty()) c.log.file = std::move(path);
        }},
    Key{"max_size",
        [](const Value& v, Config& c) {
            c.log.max_size = read_size(v, {0, largest_log});
        }},
    Key{"keep",
        [](const Value& v, Config& c) {
            if (const auto n = read_integer(v, {0, most_old_logs}))
                c.log.keep = static_cast<std::uint32_t>(*n);
        }},
    Key{"when_slow", nullptr, &when_slow_section},
};
constexpr Section log_section{log_keys};

constexpr std::array root_keys{
    Key{"$schema",  // for editors; sup does not look at it
        [](const Value& v, Config&) {
            std::string unused;
            read_string(v, "the address of a JSON schema", unused);
        }},
    Key{"name", [](const Value& v, Config& c) { read_name(v, c.name); }},
    Key{"listen", read_listen, &listen_section,
        R"("listen": [{ "address": "127.0.0.1:8080" }], or [] for none)"},
    Key{"worker", nullptr, &worker_section, R"("worker": { "command": ["./server"] })"},
    Key{"drain", nullptr, &drain_section},
    Key{"reload", nullptr, &reload_section},
    Key{"restart", nullptr, &restart_section},
    Key{"log", nullptr, &log_section},
};
constexpr Section root_section{root_keys};

// How the table is read.

void list_keys(const Section& section, const std::string& prefix, std::vector<std::string>& out) {
    for (const Key& key : section.keys) {
        const std::string pointer = prefix + pointer_token(key.name);
        out.push_back(pointer);
        if (key.section != nullptr) list_keys(*key.section, pointer, out);
    }
}

// The one key of this name that is known elsewhere: people remember words better than places.
std::string place_elsewhere(const std::string& name) {
    std::string place;
    for (const std::string& known : known_keys()) {
        if (known.compare(known.rfind('/') + 1, known.npos, name) != 0) continue;
        if (!place.empty()) return "";
        place = known;
    }
    return place;
}

std::string words_for_unknown_key(const std::string& name, const Section& section) {
    std::vector<std::string_view> names;
    for (const Key& key : section.keys) names.push_back(key.name);
    if (const auto meant = nearest(name, names)) return "unknown key; did you mean " + quoted(*meant) + "?";
    const std::string place = place_elsewhere(name);
    if (!place.empty()) return "unknown key; did you mean " + place + "?";
    return "unknown key; known here: " + quoted_list(names);
}

void report_unknown_key(const Value& member, const Section& section) {
    if (member.problems.full()) return member.problems.omit();
    member.problems.add(member.node.key_begin, member.pointer,
                        words_for_unknown_key(member.node.key, section));
}

void read_object(const Value& value, const Section& section, Config& config) {
    if (value.node.kind != Kind::object) return value.expected("an object");
    for (const Node& child : value.node.children) {
        const Value member = value.member(child);
        const auto key = std::ranges::find(section.keys, child.key, &Key::name);
        if (key == section.keys.end()) {
            report_unknown_key(member, section);
        } else if (key->read != nullptr) {
            key->read(member, config);
        } else {
            read_object(member, *key->section, config);
        }
    }
    for (const Key& key : section.keys) {
        if (key.missing.empty() || value.node.find(key.name) != nullptr) continue;
        value.problems.add(value.node.begin, value.pointer + pointer_token(key.name),
                           "missing; add for example " + std::string(key.missing));
    }
}

// "[::]" that is not for IPv6 alone is what "*" means.
void take_ipv4_too(Listen& listen) {
    auto* inet = std::get_if<InetAddress>(&listen.address.place);
    if (inet != nullptr && inet->host == "::" && !listen.ipv6only) inet->host = "*";
}

void read_listen(const Value& value, Config& config) {
    if (value.node.kind != Kind::array) return value.expected("an array of listeners");
    const std::size_t count = value.node.children.size();
    if (count > most_listeners) {
        return value.refuse("expected at most " + std::to_string(most_listeners) + " listeners, found " +
                            std::to_string(count));
    }
    config.listen.clear();
    for (std::size_t i = 0; i < count; ++i) {
        Listen& listen = config.listen.emplace_back();
        listen.name = "listen" + std::to_string(i);
        read_object(value.element(i), listen_section, config);
        take_ipv4_too(listen);
    }
}

}  // namespace

void read_document(const Value& root, Config& config) {
    read_object(root, root_section, config);
}

std::vector<std::string> known_keys() {
    std::vector<std::string> all;
    list_keys(root_section, "", all);
    return all;
}

}  // namespace sup::config
