#include "master/cli/status_view.h"

#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/duration.h"
#include "common/size.h"
#include "master/cli/json_access.h"
#include "master/cli/outcome_text.h"
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
        {"down", Colour::red},
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

// What its sockets have come to, listener by listener.
std::vector<std::string> listener_problems(const json& status) {
    std::vector<std::string> problems;
    for (const auto& listener : member(status, "listeners")) {
        if (const std::string problem = text_of(listener, "problem"); !problem.empty())
            problems.push_back(harmless(problem));
    }
    return problems;
}

std::string render_state(const json& status, const StatusView& view) {
    const std::string state = text_of(status, "state");
    if (state == "down") {
        const bool ready = number_of(status, "serving").value_or(0) > 0;
        return view.style(Colour::red,
                          ready ? "DOWN (no listener can be reached)" : "DOWN (no worker is ready)");
    }
    std::string text = view.style(colour_of(state), harmless(state));
    if (!flag_of(status, "degraded")) return text;
    if (!listener_problems(status).empty())
        return text + " " + view.style(Colour::red, "(degraded: a listener is not served)");
    return text + " " + view.style(Colour::red, "(degraded: a worker waits to be restarted)");
}

std::string render_header(const json& status, const StatusView& view) {
    std::string text =
        view.style(Colour::bold, harmless(text_of(status, "name"))) + "  " + render_state(status, view);
    const auto serving = number_of(status, "serving");
    const auto wanted = number_of(status, "wanted");
    if (serving && wanted && *serving < *wanted)
        text += "  " + view.style(Colour::yellow, number_text(status, "serving") + " of " +
                                                      number_text(status, "wanted") + " workers ready");
    text += "  pid " + number_text(status, "pid") + "  up " + duration_text(status, "uptime_ms");
    return text + view.style(Colour::dim, "  sup " + harmless(text_of(status, "version"))) + "\n";
}

// "3 of 4096"; of UDP, bytes.
std::string queue_text(const json& listener) {
    const bool bytes = text_of(listener, "kind") == "udp";
    const auto text = [&](const char* key) {
        return bytes ? size_text(listener, key) : number_text(listener, key);
    };
    return text("queue") + " of " + text("queue_limit");
}

std::string render_listeners(const json& listeners) {
    std::string text;
    for (const auto& listener : listeners) {
        if (!text.empty()) text += ", ";
        text += harmless(text_of(listener, "name")) + " " + harmless(text_of(listener, "address"));
        const auto sockets = number_of(listener, "sockets");
        if (sockets && *sockets > 1) text += " (" + std::to_string(*sockets) + " sockets)";
        if (const auto queue = number_of(listener, "queue"); queue && *queue > 0)
            text += " (queue " + queue_text(listener) + ")";
    }
    return text.empty() ? "nothing" : text;
}

std::string labelled(const char* label, const std::string& text, const StatusView& view) {
    return view.style(Colour::dim, label) + "  " + text + "\n";
}

// What a reload would find there; nothing where it is the same.
std::string at_its_path(const json& executable) {
    const std::string found = text_of(executable, "at_path");
    if (found == "gone") return "the file is gone from its path; its generation keeps running";
    return found == "other" ? "another file is at its path now; `sup reload` starts it" : std::string();
}

// Where the program's path does not tell it.
std::string render_release(const json& generation, const StatusView& view) {
    const std::string release = text_of(generation, "release");
    const std::string program = text_of(member(generation, "executable"), "path");
    if (release.empty() || program.starts_with(release + "/")) return {};
    return labelled("  release", harmless(release), view);
}

// What its next worker runs, and its first one did not.
std::string render_changes(const json& generation, const StatusView& view) {
    std::string text;
    for (const auto& change : member(generation, "changes")) {
        if (!change.is_string()) continue;
        text += "  " + view.style(Colour::yellow, harmless(change.get<std::string>())) + "\n";
    }
    return text;
}

// The executable in a sentence: path, and what of it is known.
std::string render_executable(const json& executable, bool active, const StatusView& view) {
    std::string facts = size_text(executable, "size");
    if (const std::string time = text_of(executable, "mtime"); !time.empty())
        facts += ", of " + local_time(time);
    facts += flag_of(executable, "pinned") ? ", pinned" : ", a script: not pinned";
    std::string text = harmless(text_of(executable, "path")) + view.style(Colour::dim, "  (" + facts + ")");
    const std::string hint = active ? at_its_path(executable) : std::string();
    if (!hint.empty()) text += "\n  " + view.style(Colour::yellow, hint);
    return text;
}

// "last exited with code 1, 3s ago; next try in 400ms; ended early 4 times in a row"
std::string history_text(const json& worker) {
    std::string text;
    const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
    const json& exit = member(worker, "last_exit");
    const auto retry = number_of(worker, "retry_in_ms");
    const auto short_lives = number_of(worker, "short_lives");
    if (exit.is_object()) {
        const std::chrono::milliseconds ago(number_of(exit, "ago_ms").value_or(0));
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(ago);
        add("the last one " + harmless(text_of(exit, "how")) + " " +
            (seconds.count() < 1 ? "just now" : describe_duration(seconds) + " ago"));
    }
    if (retry) add("next try in " + describe_duration(Duration{*retry}));
    if (short_lives && *short_lives > 1)
        add("ended early " + std::to_string(*short_lives) + " times in a row");
    return text;
}

void add_worker(Table& table, const json& worker) {
    const std::string state = text_of(worker, "state");
    const std::string history = history_text(worker);
    const std::string said = harmless(text_of(worker, "status"));
    table.add({{number_text(worker, "slot")},
               {number_text(worker, "pid")},
               {harmless(state), colour_of(state)},
               {duration_text(worker, "uptime_ms")},
               {number_text(worker, "restarts")},
               {size_text(worker, "rss_bytes")},
               {number_text(worker, "connections")},
               {number_text(worker, "requests")},
               {said + (said.empty() || history.empty() ? "" : "; ") + history}});
}

bool has_row(const json& generation, const json& slot) {
    for (const auto& worker : member(generation, "workers")) {
        if (member(worker, "slot") == slot && text_of(worker, "state") == "restarting") return true;
    }
    return false;
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
        if (slot.is_number() && !has_row(generation, slot))
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
    text += render_release(generation, view) + render_changes(generation, view);
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
    for (const std::string& problem : listener_problems(status))
        text += labelled("           ", view.style(Colour::red, problem), view);
    for (const auto& generation : member(status, "generations")) text += render_generation(generation, view);
    for (const auto& left : member(status, "left_behind")) {
        text += "\n" + labelled("left behind", harmless(names_of_left_behind(json::array({left}))), view);
    }
    if (const auto& reload = member(status, "last_reload"); reload.is_object()) {
        text += "\n" + labelled("last reload", render_last_reload(reload, view), view);
    }
    return text;
}

ExitCode health_of(const json& status) {
    const std::string health = text_of(status, "health");
    if (health == "well") return ExitCode::done;
    return health == "down" ? ExitCode::down : ExitCode::degraded;
}

std::string render_list(const json& list, const Style& style) {
    Table table{{{"NAME"}, {"PID", Align::right}, {"STATE"}, {"CONFIG"}}};
    for (const auto& instance : list) {
        const std::string state = text_of(instance, "state");
        const bool degraded = state != "down" && flag_of(instance, "degraded");
        const std::string shown = state == "down" ? "DOWN" : harmless(state) + (degraded ? ", degraded" : "");
        table.add({{harmless(text_of(instance, "name")), Colour::bold},
                   {number_text(instance, "pid")},
                   {shown, degraded ? Colour::red : colour_of(state)},
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

}  // namespace sup::cli
