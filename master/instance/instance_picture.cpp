#include "master/instance/instance_picture.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/version.h"
#include "master/process/process_info.h"
#include "master/workers/describe.h"

namespace sup {
namespace {

// What a reload would find where the program was found.
const char* at_its_path(const ExecutableIdentity& executable) {
    struct stat now {};
    if (::stat(executable.found_at.c_str(), &now) != 0) return "gone";
    return is_same_file(identity_of(now), executable.file) ? "same" : "other";
}

status::Executable picture_of(const ExecutableIdentity& executable) {
    const FileIdentity& file = executable.file;
    return {.path = executable.path,
            .pinned = executable.pinned,
            .device = file.device,
            .inode = file.inode,
            .size = file.size,
            .mtime = std::chrono::system_clock::from_time_t(file.mtime.tv_sec),
            .at_path = at_its_path(executable)};
}

std::optional<status::LastExit> last_exit_of(const PictureSource& source, const core::SlotView& slot) {
    if (!slot.ended_at) return std::nullopt;
    const auto ago = source.now - *slot.ended_at;
    status::LastExit exit{.how = slot.ended ? describe(*slot.ended) : std::string("could not be started"),
                          .at = std::chrono::system_clock::now() - ago,
                          .ago = ago,
                          .code = {},
                          .signal = {}};
    if (slot.ended) (slot.ended->signalled ? exit.signal : exit.code) = slot.ended->code;
    return exit;
}

// What its slot has gone through.
void add_slot(const PictureSource& source, const core::SlotView& slot, status::Worker& worker) {
    worker.last_exit = last_exit_of(source, slot);
    worker.short_lives = slot.short_lives;
    if (slot.restart_at) worker.retry_in = std::max(Duration{0}, *slot.restart_at - source.now);
}

status::Worker picture_of(const PictureSource& source, const core::WorkerView& view) {
    status::Worker worker;
    worker.slot = view.slot;
    worker.state = core::to_string(view.state);
    worker.uptime = source.now - view.spawned_at;
    worker.restarts = view.restarts;
    if (const WorkerProcess* process = source.worker(view.worker)) {
        worker.pid = process->pid();
        worker.said = process->status_text();
        if (const ScoreboardRow* row = process->scoreboard_row()) {
            worker.connections = read_count(row->connections);
            worker.requests = read_count(row->requests);
        }
        worker.rss_bytes = process_rss_bytes(process->pid());
    }
    return worker;
}

// A slot without a process: it waits to be restarted.
status::Worker waiting(const PictureSource& source, const core::SlotView& slot) {
    status::Worker worker;
    worker.slot = slot.slot;
    worker.state = "restarting";
    worker.restarts = slot.restarts;
    add_slot(source, slot, worker);
    return worker;
}

// By slot; of a slot that was taken away only the worker is there.
std::vector<status::Worker> workers_of(const PictureSource& source, const core::GenerationView& view) {
    std::vector<status::Worker> workers;
    auto slot = view.slots.begin();
    const auto add_waiting = [&](core::Slot before) {
        for (; slot != view.slots.end() && slot->slot < before; ++slot) {
            if (slot->restart_at) workers.push_back(waiting(source, *slot));
        }
    };
    for (const core::WorkerView& worker : view.workers) {
        add_waiting(worker.slot);
        workers.push_back(picture_of(source, worker));
        if (worker.slot < view.slots.size()) add_slot(source, view.slots[worker.slot], workers.back());
    }
    add_waiting(static_cast<core::Slot>(view.slots.size()));
    return workers;
}

void add_snapshot(const Generation& snapshot, status::Generation& generation) {
    generation.executable = picture_of(snapshot.executable->identity());
    generation.command = command_of(snapshot);
    generation.cwd = snapshot.directory->path();
    generation.release = release_of(snapshot);
    generation.changes = changes_of(snapshot);
    generation.changed = !generation.changes.empty();
    generation.started_at = snapshot.prepared_at;
}

status::Generation picture_of(const PictureSource& source, const core::GenerationView& view) {
    status::Generation generation;
    generation.generation = static_cast<std::uint32_t>(view.generation);
    generation.state = core::to_string(view.state);
    generation.count = view.count;
    generation.uptime = source.now - view.created_at;
    generation.workers = workers_of(source, view);
    generation.awaiting_restart = view.awaiting_restart;
    if (const Generation* snapshot = source.generation(view.generation)) add_snapshot(*snapshot, generation);
    return generation;
}

// Those of the generation that serves; while the first one starts, those of that.
Listeners listeners_of(const PictureSource& source) {
    const Generation* serving = nullptr;
    for (const auto& view : source.view.generations) {
        const Generation* snapshot = source.generation(view.generation);
        if (serving == nullptr || view.state == core::GenerationState::active) serving = snapshot;
    }
    return serving == nullptr ? Listeners{} : serving->listeners;
}

bool is_reachable(const PictureSource& source) {
    return std::ranges::any_of(listeners_of(source),
                               [](const auto& listener) { return listener->dead_socket() == nullptr; });
}

// Of the workers, and of what the core knows nothing of: the listeners, and how the last reload ended.
core::Health health_of(const PictureSource& source, bool listener_problem) {
    const core::Health workers = source.view.health;
    if (workers == core::Health::down || !is_reachable(source)) return core::Health::down;
    const bool failed = source.last_reload && source.last_reload->outcome != "promoted";
    return listener_problem || failed ? core::Health::degraded : workers;
}

std::string state_text(const PictureSource& source, core::Health health) {
    const core::InstanceState state = source.view.state;
    const bool should_serve =
        state == core::InstanceState::running || state == core::InstanceState::reloading;
    return should_serve && health == core::Health::down ? "down" : core::to_string(state);
}

std::vector<status::Listener> pictures_of_listeners(const PictureSource& source) {
    std::vector<status::Listener> listeners;
    for (const auto& listener : listeners_of(source)) {
        status::Listener& one = listeners.emplace_back();
        one.name = listener->name();
        one.address = listener->address();
        one.kind = listener->kind();
        one.sockets = listener->sockets().size();
        if (const auto queue = listener->queue()) {
            one.queue = queue->length;
            one.queue_limit = queue->limit;
        }
        if (std::string problem = source.problem(*listener); !problem.empty())
            one.problem = std::move(problem);
    }
    return listeners;
}

bool any_problem(const std::vector<status::Listener>& listeners) {
    return std::ranges::any_of(listeners, [](const auto& one) { return one.problem.has_value(); });
}

}  // namespace

status::Picture take_picture(const PictureSource& source) {
    status::Picture picture;
    picture.listeners = pictures_of_listeners(source);
    const bool problem = any_problem(picture.listeners);
    const core::Health health = health_of(source, problem);
    picture.name = source.name;
    picture.pid = ::getpid();
    picture.state = state_text(source, health);
    picture.health = core::to_string(health);
    picture.degraded = source.view.degraded || problem;
    picture.serving = source.view.serving;
    picture.wanted = source.view.wanted;
    picture.version = version;
    picture.config = source.config_file;
    if (!source.log_file.empty()) picture.log = source.log_file;
    picture.uptime = source.now - source.started_at;
    for (const auto& generation : source.view.generations)
        picture.generations.push_back(picture_of(source, generation));
    picture.last_reload = source.last_reload;
    picture.left_behind = source.left_behind;
    return picture;
}

}  // namespace sup
