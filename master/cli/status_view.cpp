#include "master/cli/status_view.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <optional>

#include "common/duration.h"
#include "common/size.h"
#include "master/cli/outcome_text.h"
#include "master/cli/table.h"

namespace sup::cli {
namespace {

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

// Nothing for what is not known.
template <std::integral Number>
std::string number_text(std::optional<Number> number) {
    return number ? std::to_string(*number) : std::string();
}

std::string size_text(std::optional<std::uint64_t> bytes) {
    return bytes ? describe_size(*bytes) : std::string();
}

std::string ago_text(Duration ago) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(ago);
    return seconds.count() < 1 ? "just now" : describe_duration(seconds) + " ago";
}

// In the person's own time zone.
std::string local_time(status::Time time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

// What its sockets have come to, listener by listener.
std::vector<std::string> listener_problems(const status::Picture& picture) {
    std::vector<std::string> problems;
    for (const auto& listener : picture.listeners) {
        if (listener.problem) problems.push_back(harmless(*listener.problem));
    }
    return problems;
}

std::string render_state(const status::Picture& picture, const StatusView& view) {
    if (picture.state == "down") {
        return view.style(Colour::red, picture.serving > 0 ? "DOWN (no listener can be reached)"
                                                           : "DOWN (no worker is ready)");
    }
    std::string text = view.style(colour_of(picture.state), harmless(picture.state));
    if (!picture.degraded) return text;
    if (!listener_problems(picture).empty())
        return text + " " + view.style(Colour::red, "(degraded: a listener is not served)");
    return text + " " + view.style(Colour::red, "(degraded: a worker is waiting to be restarted)");
}

std::string render_header(const status::Picture& picture, const StatusView& view) {
    std::string text = view.style(Colour::bold, harmless(picture.name)) + "  " + render_state(picture, view);
    if (picture.serving < picture.wanted)
        text += "  " + view.style(Colour::yellow, std::to_string(picture.serving) + " of " +
                                                      std::to_string(picture.wanted) + " workers ready");
    text += "  pid " + std::to_string(picture.pid) + "  up " + describe_duration(picture.uptime);
    return text + view.style(Colour::dim, "  sup " + harmless(picture.version)) + "\n";
}

// "3 of 4096"; of UDP, bytes.
std::string queue_text(const status::Listener& listener) {
    if (listener.kind == "udp") return size_text(listener.queue) + " of " + size_text(listener.queue_limit);
    return number_text(listener.queue) + " of " + number_text(listener.queue_limit);
}

std::string render_listeners(const std::vector<status::Listener>& listeners) {
    std::string text;
    for (const auto& listener : listeners) {
        if (!text.empty()) text += ", ";
        text += harmless(listener.name) + " " + harmless(listener.address);
        if (listener.sockets > 1) text += " (" + std::to_string(listener.sockets) + " sockets)";
        if (listener.queue.value_or(0) > 0) text += " (queue " + queue_text(listener) + ")";
    }
    return text.empty() ? "nothing" : text;
}

std::string labelled(const char* label, const std::string& text, const StatusView& view) {
    return view.style(Colour::dim, label) + "  " + text + "\n";
}

// What a reload would find there; nothing where it is the same.
std::string at_its_path(const status::Executable& executable) {
    if (executable.at_path == "gone") return "the file is gone from its path; its generation keeps running";
    return executable.at_path == "other" ? "another file is at its path now; `sup reload` starts it"
                                         : std::string();
}

// Where the program's path does not tell it.
std::string render_release(const status::Generation& generation, const StatusView& view) {
    const bool told =
        generation.executable && generation.executable->path.starts_with(generation.release + "/");
    if (generation.release.empty() || told) return {};
    return labelled("  release", harmless(generation.release), view);
}

// What its next worker runs, and its first one did not.
std::string render_changes(const status::Generation& generation, const StatusView& view) {
    std::string text;
    for (const auto& change : generation.changes)
        text += "  " + view.style(Colour::yellow, harmless(change)) + "\n";
    return text;
}

// The executable in a sentence: path, and what of it is known.
std::string render_executable(const status::Executable& executable, bool active, const StatusView& view) {
    std::string facts = size_text(executable.size);
    if (executable.mtime) facts += ", of " + local_time(*executable.mtime);
    facts += executable.pinned ? ", pinned" : ", a script: not pinned";
    std::string text = harmless(executable.path) + view.style(Colour::dim, "  (" + facts + ")");
    const std::string hint = active ? at_its_path(executable) : std::string();
    if (!hint.empty()) text += "\n  " + view.style(Colour::yellow, hint);
    return text;
}

// "last exited with code 1, 3s ago; next try in 400ms; ended early 4 times in a row"
std::string history_text(const status::Worker& worker) {
    std::string text;
    const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
    if (const auto& exit = worker.last_exit)
        add("the last one " + harmless(exit->how) + " " + ago_text(exit->ago));
    if (worker.retry_in) add("next try in " + describe_duration(*worker.retry_in));
    if (worker.short_lives > 1) add("ended early " + std::to_string(worker.short_lives) + " times in a row");
    return text;
}

void add_worker(Table& table, const status::Worker& worker) {
    const std::string history = history_text(worker);
    const std::string said = harmless(worker.said);
    table.add({{std::to_string(worker.slot)},
               {number_text(worker.pid)},
               {harmless(worker.state), colour_of(worker.state)},
               {worker.uptime ? describe_duration(*worker.uptime) : std::string()},
               {std::to_string(worker.restarts)},
               {size_text(worker.rss_bytes)},
               {number_text(worker.connections)},
               {number_text(worker.requests)},
               {said + (said.empty() || history.empty() ? "" : "; ") + history}});
}

bool has_row(const status::Generation& generation, std::uint32_t slot) {
    return std::ranges::any_of(generation.workers, [slot](const status::Worker& worker) {
        return worker.slot == slot && worker.state == "restarting";
    });
}

std::string render_workers(const status::Generation& generation, const StatusView& view) {
    Table table{{{"SLOT", Align::right},
                 {"PID", Align::right},
                 {"STATE"},
                 {"AGE", Align::right},
                 {"RESTARTS", Align::right},
                 {"MEMORY", Align::right},
                 {"CONNECTIONS", Align::right},
                 {"REQUESTS", Align::right},
                 {"STATUS"}}};
    for (const auto& worker : generation.workers) add_worker(table, worker);
    for (const std::uint32_t slot : generation.awaiting_restart) {
        if (!has_row(generation, slot))
            table.add({{std::to_string(slot)}, {}, {"restarting", Colour::red}, {}, {}, {}, {}, {}, {}});
    }
    return table.render(view.style, 2);
}

std::string render_generation(const status::Generation& generation, const StatusView& view) {
    std::string text = "\n" +
                       view.style(Colour::bold, "generation " + std::to_string(generation.generation)) +
                       "  " + view.style(colour_of(generation.state), harmless(generation.state)) +
                       "  started " + describe_duration(generation.uptime) + " ago\n";
    if (generation.executable) {
        text += "  " + render_executable(*generation.executable, generation.state == "active", view) + "\n";
    }
    text += render_release(generation, view) + render_changes(generation, view);
    return text + render_workers(generation, view);
}

std::string render_last_reload(const status::Reload& reload, const StatusView& view) {
    std::string text = view.style(colour_of(reload.outcome), harmless(reload.outcome));
    if (reload.generation) text += " generation " + std::to_string(*reload.generation);
    text += " in " + describe_duration(reload.duration);
    if (reload.at && *reload.at <= view.now)
        text += ", " + ago_text(std::chrono::duration_cast<Duration>(view.now - *reload.at));
    if (!reload.reason.empty()) text += ": " + harmless(reload.reason);
    return text;
}

}  // namespace

std::string render_status(const status::Picture& picture, const StatusView& view) {
    std::string text = render_header(picture, view);
    text += labelled("config     ", harmless(picture.config), view);
    text += labelled("listening  ", render_listeners(picture.listeners), view);
    for (const std::string& problem : listener_problems(picture))
        text += labelled("           ", view.style(Colour::red, problem), view);
    for (const auto& generation : picture.generations) text += render_generation(generation, view);
    for (const auto& left : picture.left_behind)
        text += "\n" + labelled("left behind", harmless(names_of_left_behind({left})), view);
    if (picture.last_reload)
        text += "\n" + labelled("last reload", render_last_reload(*picture.last_reload, view), view);
    return text;
}

ExitCode health_of(const status::Picture& picture) {
    if (picture.health == "well") return ExitCode::done;
    return picture.health == "down" ? ExitCode::down : ExitCode::degraded;
}

std::string render_list(const std::vector<status::Listed>& list, const Style& style) {
    Table table{{{"NAME"}, {"PID", Align::right}, {"STATE"}, {"CONFIG"}}};
    for (const auto& instance : list) {
        const bool down = instance.state == "down";
        const bool degraded = !down && instance.degraded.value_or(false);
        const std::string shown = down ? "DOWN" : harmless(instance.state) + (degraded ? ", degraded" : "");
        table.add({{harmless(instance.name), Colour::bold},
                   {number_text(instance.pid)},
                   {shown, degraded ? Colour::red : colour_of(instance.state)},
                   {harmless(instance.config.value_or(""))}});
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
