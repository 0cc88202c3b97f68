#include "master/cli/status_view.h"

#include <sys/stat.h>

#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/duration.h"
#include "common/size.h"
#include "master/cli/json_access.h"
#include "master/cli/table.h"

namespace sup::cli {
namespace {

using nlohmann::json;
using Align = Table::Align;

Colour colour_of(const std::string& state) {
    static const std::map<std::string, Colour, std::less<>> colours{
        {"running", Colour::green},   {"active", Colour::green},    {"ready", Colour::green},
        {"promoted", Colour::green},  {"starting", Colour::yellow}, {"reloading", Colour::yellow},
        {"stopping", Colour::yellow}, {"soaking", Colour::yellow},  {"draining", Colour::yellow},
        {"spawning", Colour::yellow}, {"restarting", Colour::red},  {"aborting", Colour::red},
        {"killing", Colour::red},     {"failed", Colour::red},      {"not responding", Colour::red},
    };
    const auto found = colours.find(state);
    return found == colours.end() ? Colour::none : found->second;
}

std::string number_text(const json& object, const char* key) {
    const auto number = number_of(object, key);
    return number ? std::to_string(*number) : std::string();
}

std::string duration_text(const json& object, const char* key) {
    const auto milliseconds = number_of(object, key);
    return milliseconds ? describe_duration(Duration{*milliseconds}) : std::string();
}

std::string size_text(const json& object, const char* key) {
    const auto bytes = number_of(object, key);
    return bytes && *bytes >= 0 ? describe_size(static_cast<std::uint64_t>(*bytes)) : std::string();
}

// "2026-11-22T10:00:00Z"
std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string ago(const std::string& time, const StatusView& view) {
    const auto at = parse_time(time);
    if (!at || *at > view.now) return {};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(view.now - *at);
    return seconds.count() < 1 ? "just now" : describe_duration(seconds) + " ago";
}

// The same in the person's own time zone.
std::string local_time(const std::string& time) {
    const auto at = parse_time(time);
    if (!at) return harmless(time);
    const std::time_t seconds = std::chrono::system_clock::to_time_t(*at);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char text[32];
    return std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) > 0 ? text : harmless(time);
}

std::string render_header(const json& status, const StatusView& view) {
    const std::string state = text_of(status, "state");
    std::string text = view.style(Colour::bold, harmless(text_of(status, "name"))) + "  " +
                       view.style(colour_of(state), harmless(state));
    if (flag_of(status, "degraded"))
        text += " " + view.style(Colour::red, "(degraded: a worker waits to be restarted)");
    text += "  pid " + number_text(status, "pid") + "  up " + duration_text(status, "uptime_ms");
    return text + view.style(Colour::dim, "  sup " + harmless(text_of(status, "version"))) + "\n";
}

std::string render_listeners(const json& listeners) {
    std::string text;
    for (const auto& listener : listeners) {
        if (!text.empty()) text += ", ";
        text += harmless(text_of(listener, "name")) + " " + harmless(text_of(listener, "address"));
        const auto sockets = number_of(listener, "sockets");
        if (sockets && *sockets > 1) text += " (" + std::to_string(*sockets) + " sockets)";
    }
    return text.empty() ? "nothing" : text;
}

std::string labelled(const char* label, const std::string& text, const StatusView& view) {
    return view.style(Colour::dim, label) + "  " + text + "\n";
}

// The executable in a sentence: path, and what of it is known.
std::string render_executable(const json& executable, bool active, const StatusView& view) {
    std::string facts = size_text(executable, "size");
    if (const std::string time = text_of(executable, "mtime"); !time.empty())
        facts += ", of " + local_time(time);
    facts += flag_of(executable, "pinned") ? ", pinned" : ", a script: not pinned";
    std::string text = harmless(text_of(executable, "path")) + view.style(Colour::dim, "  (" + facts + ")");
    const std::string hint = active && view.disk_hint ? view.disk_hint(executable) : std::string();
    if (!hint.empty()) text += "\n  " + view.style(Colour::yellow, hint);
    return text;
}

void add_worker(Table& table, const json& worker) {
    const std::string state = text_of(worker, "state");
    table.add({{number_text(worker, "slot")},
               {number_text(worker, "pid")},
               {harmless(state), colour_of(state)},
               {duration_text(worker, "uptime_ms")},
               {number_text(worker, "restarts")},
               {size_text(worker, "rss_bytes")},
               {number_text(worker, "connections")},
               {number_text(worker, "requests")},
               {harmless(text_of(worker, "status"))}});
}

std::string render_workers(const json& generation, const StatusView& view) {
    Table table{{{"SLOT", Align::right},
                 {"PID", Align::right},
                 {"STATE"},
                 {"AGE", Align::right},
                 {"RESTARTS", Align::right},
                 {"MEMORY", Align::right},
                 {"CONNECTIONS", Align::right},
                 {"REQUESTS", Align::right},
                 {"STATUS"}}};
    for (const auto& worker : member(generation, "workers")) add_worker(table, worker);
    for (const auto& slot : member(generation, "awaiting_restart")) {
        if (slot.is_number())
            table.add({{slot.dump()}, {}, {"restarting", Colour::red}, {}, {}, {}, {}, {}, {}});
    }
    return table.render(view.style, 2);
}

std::string render_generation(const json& generation, const StatusView& view) {
    const std::string state = text_of(generation, "state");
    std::string text = "\n" +
                       view.style(Colour::bold, "generation " + number_text(generation, "generation")) +
                       "  " + view.style(colour_of(state), harmless(state)) + "  started " +
                       duration_text(generation, "uptime_ms") + " ago\n";
    if (const auto& executable = member(generation, "executable"); executable.is_object()) {
        text += "  " + render_executable(executable, state == "active", view) + "\n";
    }
    return text + render_workers(generation, view);
}

std::string render_last_reload(const json& reload, const StatusView& view) {
    const std::string outcome = text_of(reload, "outcome");
    std::string text = view.style(colour_of(outcome), harmless(outcome));
    if (const auto generation = number_of(reload, "generation"))
        text += " generation " + std::to_string(*generation);
    text += " in " + duration_text(reload, "duration_ms");
    if (const std::string when = ago(text_of(reload, "at"), view); !when.empty()) text += ", " + when;
    if (const std::string reason = text_of(reload, "reason"); !reason.empty())
        text += ": " + harmless(reason);
    return text;
}

}  // namespace

std::string render_status(const json& status, const StatusView& view) {
    std::string text = render_header(status, view);
    text += labelled("config     ", harmless(text_of(status, "config")), view);
    text += labelled("listening  ", render_listeners(member(status, "listeners")), view);
    for (const auto& generation : member(status, "generations")) text += render_generation(generation, view);
    for (const auto& left : member(status, "left_behind")) {
        text += "\n" + labelled("left behind", harmless(text_of(left, "name")) + ", which sup may not signal", view);
    }
    if (const auto& reload = member(status, "last_reload"); reload.is_object()) {
        text += "\n" + labelled("last reload", render_last_reload(reload, view), view);
    }
    return text;
}

std::string render_list(const json& list, const Style& style) {
    Table table{{{"NAME"}, {"PID", Align::right}, {"STATE"}, {"CONFIG"}}};
    for (const auto& instance : list) {
        const std::string state = text_of(instance, "state");
        table.add({{harmless(text_of(instance, "name")), Colour::bold},
                   {number_text(instance, "pid")},
                   {harmless(state), colour_of(state)},
                   {harmless(text_of(instance, "config"))}});
    }
    return table.render(style);
}

std::string render_orphans(const Found& found, const Style& style) {
    Table table{{{"GENERATION", Align::right}, {"SLOT", Align::right}, {"PID", Align::right}}};
    for (const auto& worker : found.orphans) {
        table.add({{std::to_string(worker.generation)},
                   {std::to_string(worker.slot)},
                   {std::to_string(worker.process.pid)}});
    }
    return "the master of " + found.name + " is gone; these workers of it still serve:\n" +
           table.render(style, 2) + "`sup stop " + found.name + "` ends them";
}

std::string compare_with_disk(const json& executable) {
    const std::string path = text_of(executable, "path");
    if (path.empty() || !flag_of(executable, "pinned")) return {};
    struct stat now {};
    if (::stat(path.c_str(), &now) != 0) return "the file is gone from this path; its generation runs on";
    const auto modified = parse_time(text_of(executable, "mtime"));
    const bool same = number_of(executable, "device") == static_cast<std::int64_t>(now.st_dev) &&
                      number_of(executable, "inode") == static_cast<std::int64_t>(now.st_ino) &&
                      number_of(executable, "size") == static_cast<std::int64_t>(now.st_size) &&
                      (!modified || std::chrono::system_clock::to_time_t(*modified) == now.st_mtim.tv_sec);
    return same ? std::string() : "another file lies at this path now; `sup reload` starts it";
}

}  // namespace sup::cli
