#include "master/instance/instance.h"

#include <algorithm>
#include <random>

#include "master/instance/instance_picture.h"
#include "master/status/core_events.h"
#include "master/status/json.h"
#include "master/workers/describe.h"

namespace sup {
Instance::Instance(uv::Loop& loop, Log& log, Options options)
    : loop_(loop),
      log_(log),
      directory_(options.directory),
      background_(options.background),
      sole_heir_(options.sole_heir),
      descriptor_limit_(options.descriptor_limit),
      config_file_(options.config.file),
      first_config_(options.config),
      on_exit_(std::move(options.on_exit)),
      core_(std::random_device{}()),
      started_at_(now()),
      turn_(loop.get(), [this] { work_off(); }),
      deadline_(loop.get(), [this] { deadline_reached(); }),
      output_turns_(loop.get(),
                    {.full = [this] { return log_.full(); }, .piece_over = [this] { log_.flush(); }}),
      orphans_([this] { return main_processes(); }),
      live_record_(directory_.paths().live_workers, options.config.drain.signal,
                   options.config.drain.timeout),
      report_(std::move(options.report)),
      queues_(
          loop.get(), [this] { return active_listeners(); },
          [this](const Listener& listener, const std::string& problem) {
              if (problem.empty())
                  return log_.info("listener {}: connections are being accepted again", listener.name());
              log_.warning("{}; do the workers of the active generation serve the socket they were given?",
                           problem);
          }),
      mended_(loop.get(), Duration{10'000}, [this](const std::string& line) { log_.warning("{}", line); }) {
    log_.follow(loop_.get(), [this] { output_turns_.resume(); });
}

Instance::~Instance() {
    log_.unfollow();
}

Status Instance::start() {
    auto control = control::ControlServer::listen(loop_.get(), directory_.paths().control_socket, *this);
    if (!control) {
        report_.failed(control.error().message, {});
        return control.error();
    }
    control_ = std::move(*control);
    watch_listeners();
    log_.set_listener([this](config::LogLevel level, std::string_view message) {
        if (control_ && control_->has_audience())
            control_->broadcast(status::to_json(status::log_event(level, message)));
    });
    const core::RequestId request = requests_.add([this](const status::Reload& outcome) {
        // A failure is reported when nothing is left running: see report_failed_start().
        if (outcome.outcome == "promoted") report_.succeeded({outcome, ::getpid(), directory_.name()});
    });
    ledger_.start_asked(request);
    post(core::StartRequested{request});
    return Success{};
}

void Instance::report_failed_start(const std::string& log) {
    const auto& failed = ledger_.failed_start();
    if (!failed || !report_.waiting()) return;
    report_.failed(failed->reason, {.worker_output = failed->worker_output,
                                    .configuration_error = failed->configuration_error,
                                    .left_behind = left_behind_.picture(),
                                    .log = log});
}

core::TimePoint Instance::now() {
    uv_update_time(loop_.get());
    return core::TimePoint{Duration{static_cast<Duration::rep>(uv_now(loop_.get()))}};
}

void Instance::post(core::Event event) {
    events_.push_back(std::move(event));
    turn_.arm(Duration{0});
}

void Instance::work_off() {
    looked_at_workers_ = false;
    while (!events_.empty()) {
        const core::Event event = std::move(events_.front());
        events_.pop_front();
        log_.debug([&] { return "event " + core::to_string(event); });
        const std::vector<core::Action> actions = core_.step(event, now());
        for (const core::Action& action : actions) {
            log_.debug([&] { return "action " + core::to_string(action); });
            std::visit([this](const auto& one) { perform(one); }, action);
        }
        if (const auto* exited = std::get_if<core::WorkerExited>(&event)) forget_worker(exited->worker);
        if (const auto* left = std::get_if<core::WorkerAbandoned>(&event)) abandon_worker(left->worker);
        if (const auto* failed = std::get_if<core::SpawnFailed>(&event)) forget_worker(failed->worker);
        const bool more = core_.next_deadline().value_or(core::TimePoint::max()) <= looked_at_;
        if (more && std::holds_alternative<core::DeadlineReached>(event)) post(core::DeadlineReached{});
    }
    await_deadline();
    record_problem(live_record_.save());
    answer_due();
    end_if_nothing_is_left();
}

void Instance::await_deadline() {
    const std::optional<core::TimePoint> next = core_.next_deadline();
    if (next == awaited_) return;
    awaited_ = next;
    if (next)
        deadline_.arm(*next - now());
    else
        deadline_.cancel();
}

void Instance::deadline_reached() {
    awaited_.reset();
    look_at_workers();
    looked_at_ = now();
    post(core::DeadlineReached{});
}

void Instance::reload_by_signal(const char* name) {
    log_.info("{}: reload", name);
    post(core::ReloadRequested{requests_.add({}), core::WaitFor::promoted});
}

void Instance::stop_by_signal(const char* name) {
    log_.info("{}: stop", name);
    post(core::StopRequested{requests_.add({}), false, core::StopBy::signal});
}

void Instance::stop_without_terminal() {
    log_.info("SIGHUP: the terminal is gone: stop");
    post(core::StopRequested{requests_.add({}), false, core::StopBy::lost_terminal});
}

void Instance::reopen_log(const char* signal) {
    if (Status there = put_files_back(); !there) {
        log_.error("{}", there.error().message);
        if (log_.file() == directory_.paths().log) return;  // what is there now is not this master's
    }
    if (next_log_) {
        const LogDestination& next = next_log_->destination;
        auto again = LogDestination::prepare(next.file, next.bounds);
        if (again) next_log_->destination = std::move(*again);
    }
    if (Status reopened = log_.reopen(); !reopened) {
        log_.error("{}; the old file stays in use", reopened.error().message);
    } else {
        log_.info("{}: the log was opened again", signal);
    }
}

Status Instance::put_files_back() {
    const auto folder = directory_.restore();
    if (!folder) return folder.error();
    record_problem(live_record_.restore());
    if (!control_) return Success{};
    const auto socket = control_->restore();
    if (!socket) warn(socket.error());
    if (!*folder && !(socket && *socket)) return Success{};
    warn(directory_.write_pid(::getpid()));
    if (*folder) warn(log_.reopen());  // it may have been in there
    log_.warning("files were removed from {}; the pid file and the control socket have been made again",
                 directory_.paths().folder);
    return Success{};
}

OrphanReaper::Answer Instance::collect(pid_t pid) {
    for (const auto* map : {&workers_, &survived_, &abandoned_}) {
        for (const auto& [id, worker] : *map) {
            if (worker->pid() != pid || worker->reaped()) continue;
            return worker->collect() ? OrphanReaper::Answer::done : OrphanReaper::Answer::later;
        }
    }
    return OrphanReaper::Answer::no_worker;
}

std::string Instance::status() {
    return status::to_json(picture());
}

status::Picture Instance::picture() {
    mend_listeners();
    queues_.look();
    const core::View view = core_.view();
    std::optional<status::Reload> last_reload;
    if (const auto last = ledger_.last_reload([this](core::WorkerId id) { return live_totals(id); }))
        last_reload = picture_of(*last);
    return take_picture({.name = directory_.name(),
                         .config_file = config_file_,
                         .log_file = log_.file(),
                         .started_at = started_at_,
                         .now = now(),
                         .view = view,
                         .last_reload = last_reload,
                         .left_behind = left_behind_.picture(),
                         .generation = [this](core::GenerationId id) { return find_generation(id); },
                         .worker = [this](core::WorkerId id) { return find_worker(id); },
                         .problem = [this](const Listener& listener) { return problem_of(listener); }});
}

void Instance::reload(core::WaitFor wait, control::Reply reply) {
    const core::RequestId request = requests_.add(
        [reply = std::move(reply)](const status::Reload& outcome) { reply(status::to_json(outcome)); });
    post(core::ReloadRequested{request, wait});
}

void Instance::stop(bool now, control::Reply reply) {
    log_.info("asked to stop{}", now ? " now" : "");
    if (now) kill_leftovers();
    post(core::StopRequested{requests_.add([this, reply = std::move(reply)](const auto&) {
                                 reply(status::to_json(status::Stopped{true, left_behind_.picture()}));
                             }),
                             now});
}

void Instance::abandon_worker(core::WorkerId id) {
    auto node = workers_.extract(id);
    if (node.empty() || ledger_.exit_code()) return;  // nobody is left to wait for it
    ledger_.forget(id);
    node.mapped()->abandon();
    abandoned_.insert(std::move(node));
}

void Instance::note_left_behind(const WorkerProcess& worker, const ProcessStat& process) {
    const LeftBehind left{LeftBehind::Why::out_of_reach, process,       describe(Sender{process.pid, 0}),
                          worker.generation_id(),        worker.slot(), worker.listeners_text()};
    log_.error(
        "{} of worker {} of generation {} cannot be ended: sup may not signal it, or SIGKILL has no effect; "
        "{}end it as its user or as root",
        left.name, left.slot, static_cast<std::uint32_t>(left.generation),
        left.listeners.empty() ? "" : "it may still hold " + left.listeners + "; ");
    left_behind_.add(left);
}

void Instance::worker_exited(core::WorkerId id, const ExitReport& report) {
    const pid_t pid = pid_of(id);
    if (abandoned_.contains(id)) {
        log_.info("{}, which could not be killed, has ended by itself", name_of(id));
        live_record_.remove(pid);
        return post(core::WorkerExited{id, report.status});
    }
    WorkerProcess* worker = find_worker(id);
    const bool died = report.status_known && worker != nullptr && worker->died(report.status);
    if (worker != nullptr) count_connections(id, *worker, died);
    if (died) {
        log_.warning("{} {}{}", name_of(id), describe(report.status),
                     worker->told_to_end() ? " while it drained: what it still served was cut" : "");
    }
    if (worker != nullptr && !worker->left_behind().empty())
        log_.warning("{} left {}; what it left {} ended", name_of(id), worker->left_behind(),
                     worker->ends_leftovers() ? "is being" : "was");
    if (worker != nullptr) name_orphans_since(*worker);
    if (!report.status_known) log_.warning("{}: how it ended is not known", name_of(id));
    live_record_.remove(pid);
    deliver_readiness();
    post(core::WorkerExited{id, report.status});
}

// The row is then free for another worker.
void Instance::count_connections(core::WorkerId id, WorkerProcess& worker, bool died) {
    DrainTotals totals;
    if (const ScoreboardRow* row = worker.scoreboard_row()) totals.add_exited(*row);
    if (died) ++totals.died;
    totals.add_unreadable(worker.unreadable());
    ledger_.ended(id, totals);
    if (worker.reserved_row()) worker.generation().scoreboard->clear(*worker.reserved_row());
}

std::optional<std::size_t> Instance::free_scoreboard_row(core::GenerationId generation) const {
    std::vector<bool> used(Scoreboard::rows_of_a_generation);
    for (const auto& [id, worker] : workers_) {
        if (worker->generation_id() == generation && worker->reserved_row())
            used[*worker->reserved_row()] = true;
    }
    const auto free = std::ranges::find(used, false);
    return free == used.end() ? std::nullopt : std::optional(static_cast<std::size_t>(free - used.begin()));
}

// What one that drains has counted up to now.
DrainTotals Instance::live_totals(core::WorkerId id) const {
    DrainTotals totals;
    const auto worker = workers_.find(id);
    if (worker == workers_.end()) return totals;
    if (const ScoreboardRow* row = worker->second->scoreboard_row()) totals.add(*row);
    totals.add_unreadable(worker->second->unreadable());
    return totals;
}

Ledger::Now Instance::ledger_now() {
    return {now(), std::chrono::system_clock::now()};
}

void Instance::forget_worker(core::WorkerId id) {
    ledger_.forget(id);
    abandoned_.erase(id);
    const auto node = workers_.extract(id);
    if (node.empty() || node.mapped()->finished()) return;
    survived_.emplace(id, std::move(node.mapped()));
}

WorkerProcess::Callbacks Instance::callbacks_for(core::WorkerId id,
                                                 const std::shared_ptr<const Generation>& generation,
                                                 core::Slot slot) {
    WorkerProcess::Callbacks callbacks;
    callbacks.opened_channel = [this, id] { post(core::WorkerOpenedChannel{id}); };
    callbacks.ready = [this, id] { post(core::WorkerReady{id}); };
    callbacks.extended_timeout = [this, id](Duration extension) {
        post(core::WorkerExtendedTimeout{id, extension});
    };
    callbacks.line = [this, id, generation = static_cast<std::uint32_t>(generation->id), slot](
                         OutputStream stream, std::string_view line) {
        log_.worker_line({generation, slot, pid_of(id), to_string(stream)}, line);
    };
    callbacks.trouble = [this, id](const std::string& trouble) {
        log_.warning("{}: {}", name_of(id), trouble);
    };
    callbacks.exited = [this, id](const ExitReport& report) { worker_exited(id, report); };
    callbacks.ended_leftovers = [this, id](const std::vector<ProcessStat>& remaining) {
        for (const ProcessStat& process : remaining) {
            if (const WorkerProcess* worker = find_worker(id)) note_left_behind(*worker, process);
        }
        turn_.arm(Duration{0});
    };
    callbacks.is_only_its_own = [this, id](const ProcessStat& process) {
        return is_nobody_elses(id, process);
    };
    callbacks.finished = [this, id] { survived_.erase(id); };
    return callbacks;
}

bool Instance::never_served(core::GenerationId generation) const {
    const auto last = ledger_.last_promoted();
    return !last || generation > *last;
}

// An orphan that bears no mark is one of a worker that was there before it. When no other of those lives, it
// can only be this one's. It is taken for one, too, where it holds a listener and this one's generation was
// never promoted: a release that goes into the background and throws everything away but its listener must
// not serve on. Not as the first process of a container, whose orphans are everybody's, unless it holds a
// listener.
bool Instance::is_nobody_elses(core::WorkerId id, const ProcessStat& process) {
    const WorkerProcess* own = find_worker(id);
    if (own == nullptr || process.parent != ::getpid() || process.start_time < own->began()) return false;
    if (left_behind_.is_out_of_reach(process)) return false;
    const bool serves = !listeners_held_by(process).empty();
    if (!sole_heir_ && !serves) return false;
    const bool refused = never_served(own->generation_id());
    bool may_be_anothers = false;
    for (const auto* map : {&workers_, &abandoned_}) {
        for (const auto& [other_id, other] : *map) {
            if (other_id == id || other->exited()) continue;
            if (other->is_its_own(process)) return false;
            if (refused && other->generation_id() == own->generation_id()) continue;
            may_be_anothers = may_be_anothers || other->began() <= process.start_time;
        }
    }
    return !may_be_anothers || (refused && serves);
}

bool Instance::is_somebodys(const ProcessStat& process) {
    for (const auto* map : {&workers_, &survived_, &abandoned_}) {
        for (const auto& [id, worker] : *map) {
            if (worker->is_ending(process) || worker->is_its_own(process)) return true;
        }
    }
    return false;
}

// "http 127.0.0.1:8080, admin 127.0.0.1:8081".
std::string Instance::listeners_held_by(const ProcessStat& process) {
    std::string names;
    for (const auto& listener : held_listeners()) {
        std::vector<FileId> files;
        for (const auto& socket : listener->sockets()) {
            if (const auto file = file_id(socket->fd())) files.push_back(*file);
        }
        const std::string name = listener->name() + " " + listener->address();
        // A generation and its successor have the same ones.
        if (names.find(name) == std::string::npos && orphans_.holds(process, files))
            names += (names.empty() ? "" : ", ") + name;
    }
    return names;
}

// What has become an orphan in the time of a worker that has ended, and bears no mark: it may be that one's,
// or one's that lives, so that it is left alone. But it is named.
void Instance::name_orphans_since(const WorkerProcess& worker) {
    const bool counts = sole_heir_ && worker.generation().config.worker.end_leftovers;
    for (const ProcessStat& process : orphans_.all()) {
        if (process.ended || process.parent != ::getpid() || process.start_time < worker.began() ||
            left_behind_.contains(process) || is_somebodys(process))
            continue;
        const std::string held = listeners_held_by(process);
        if (held.empty() && !counts) continue;
        const LeftBehind left{LeftBehind::Why::whose_unknown, process,       describe(Sender{process.pid, 0}),
                              worker.generation_id(),         worker.slot(), held};
        log_.warning(
            "{}, {}, is an orphan: worker {} of generation {} has left it, or one that lives; {}it is not "
            "ended yet",
            left.name, LeftBehindList::words(left.why), left.slot,
            static_cast<std::uint32_t>(left.generation), held.empty() ? "" : "it holds " + held + "; ");
        left_behind_.add(left);
    }
}

// Of all workers that have not been reaped, also of those that could not be killed.
std::vector<pid_t> Instance::main_processes() const {
    std::vector<pid_t> pids;
    for (const auto* map : {&workers_, &survived_, &abandoned_}) {
        for (const auto& [id, worker] : *map) {
            if (!worker->reaped()) pids.push_back(worker->pid());
        }
    }
    return pids;
}

// What workers have already said comes before what another one's end, or a deadline, means for them.
void Instance::deliver_readiness() {
    for (const auto& [id, worker] : workers_) worker->deliver_readiness();
}

// libuv runs timers before it looks at descriptors. After a time in which the master did not run (SIGSTOP, a
// machine that was suspended) a deadline must not pass for a worker that has ended long before.
void Instance::look_at_workers() {
    if (std::exchange(looked_at_workers_, true)) return;
    deliver_readiness();
    for (const auto& [id, worker] : workers_) {
        worker->collect();
        worker->report_exit_now();
    }
}

Listeners Instance::held_listeners() const {
    Listeners held;
    for (auto generation = generations_.rbegin(); generation != generations_.rend(); ++generation) {
        const Listeners& listeners = generation->second->listeners;
        held.insert(held.end(), listeners.begin(), listeners.end());
    }
    return held;
}

void Instance::announce(const status::Event& event) {
    if (control_ && control_->has_audience()) control_->broadcast(status::to_json(event));
    if (report_.waiting()) report_.event(event);
}

void Instance::record_problem(const Status& status) {
    if (!status) log_.warning("the record of live workers could not be written: {}", status.error().message);
}

const Generation* Instance::find_generation(std::optional<core::GenerationId> id) const {
    const auto found = id ? generations_.find(*id) : generations_.end();
    return found == generations_.end() ? nullptr : found->second.get();
}

WorkerProcess* Instance::find_worker(core::WorkerId id) const {
    for (const auto* map : {&workers_, &survived_, &abandoned_}) {
        if (const auto found = map->find(id); found != map->end()) return found->second.get();
    }
    return nullptr;
}

pid_t Instance::pid_of(core::WorkerId id) const {
    const WorkerProcess* worker = find_worker(id);
    return worker == nullptr ? 0 : worker->pid();
}

std::string Instance::name_of(core::WorkerId id) const {
    const WorkerProcess* worker = find_worker(id);
    if (worker == nullptr) return fmt::format("worker id {}", static_cast<std::uint64_t>(id));
    return fmt::format("worker {} of generation {} (pid {})", worker->slot(),
                       static_cast<std::uint32_t>(worker->generation_id()), worker->pid());
}

}  // namespace sup
