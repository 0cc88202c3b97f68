#include "master/instance/instance.h"

#include <unistd.h>

#include <random>
#include <utility>

#include "common/count.h"
#include "master/core/generation_number.h"
#include "master/instance/instance_picture.h"
#include "master/status/outcome.h"
#include "master/workers/describe.h"
#include "master/workers/living.h"

namespace sup {

Instance::Instance(uv::Loop& loop, Log& log, Options options)
    : loop_(loop),
      log_(log),
      directory_(options.directory),
      descriptor_limit_(options.descriptor_limit),
      config_file_(options.config.file),
      first_config_(options.config),
      on_exit_(std::move(options.on_exit)),
      engine_(loop.get(), core::Supervisor(std::random_device{}()), *this, std::move(options.witness)),
      started_at_(engine_.now()),
      sockets_(loop.get(), socket_callbacks()),
      mended_(loop.get(), Duration{10'000}, [this](const std::string& line) { log_.warning("{}", line); }),
      relays_(loop.get(), relay_callbacks()),
      workers_(loop.get(), log, worker_callbacks()),
      strays_(workers_, ledger_.left_behind(), log,
              {.sole_heir = options.sole_heir,
               .held_listeners = [this] { return generations_.held_listeners(); },
               .never_served = [this](auto generation) { return ledger_.never_served(generation); }}),
      log_settings_(log, directory_.paths(), options.background),
      live_record_(directory_.paths().live_workers, options.config.drain.signal,
                   options.config.drain.timeout),
      desk_(directory_.name(), std::move(options.report), desk_callbacks()) {
    log_.follow(loop_.get(), [this] { workers_.resume_output(); });
}

Instance::~Instance() {
    log_.unfollow();
}

Status Instance::start() {
    if (Status opened = desk_.open(loop_.get(), directory_.paths().control_socket); !opened)
        return opened.error();
    log_.set_listener(
        [this](config::LogLevel level, std::string_view message) { desk_.announce_log(level, message); });
    const core::RequestId request = desk_.start();
    ledger_.start_asked(request);
    engine_.post(core::StartRequested{request});
    return Success{};
}

void Instance::report_failed_start(const std::string& log) {
    const auto& failed = ledger_.failed_start();
    if (!failed || !desk_.somebody_waits_for_the_start()) return;
    desk_.report_failed_start(failed->reason, {.worker_output = failed->worker_output,
                                               .configuration_error = failed->configuration_error,
                                               .left_behind = living(ledger_.left_behind()),
                                               .log = log});
}

void Instance::reload_by_signal(const char* name) {
    log_.info("{}: reload", name);
    engine_.post(core::ReloadRequested{desk_.add_unawaited(), core::WaitFor::promoted});
}

void Instance::stop_by_signal(const char* name) {
    log_.info("{}: stop", name);
    engine_.post(core::StopRequested{desk_.add_unawaited(), false, core::StopBy::signal});
}

void Instance::stop_without_terminal() {
    log_.info("SIGHUP: the terminal is gone; stopping");
    engine_.post(core::StopRequested{desk_.add_unawaited(), false, core::StopBy::lost_terminal});
}

void Instance::reopen_log(const char* signal) {
    if (Status there = put_files_back(); !there) {
        log_.error("{}", there.error().message);
        if (log_.file() == directory_.paths().log) return;  // what is there now is not this master's
    }
    if (Status reopened = log_settings_.reopen(); !reopened) {
        log_.error("{}; the old file stays in use", reopened.error().message);
    } else {
        log_.info("{}: the log was reopened", signal);
    }
}

Status Instance::put_files_back() {
    const auto folder = directory_.restore();
    if (!folder) return folder.error();
    record_problem(live_record_.restore());
    const auto socket = desk_.restore();
    if (!socket) warn(socket.error());
    if (!*folder && !(socket && *socket)) return Success{};
    warn(directory_.write_pid(::getpid()));
    if (*folder) warn(log_.reopen());  // it may have been in there
    log_.warning("files were removed from {}; the pid file and the control socket have been recreated",
                 directory_.paths().folder);
    return Success{};
}

Desk::Callbacks Instance::desk_callbacks() {
    return {.ask = [this](core::Event event) { engine_.post(std::move(event)); },
            .picture = [this] { return picture(); },
            .asked_to_stop =
                [this](bool now) {
                    log_.info("asked to stop{}", now ? " now" : "");
                    if (now) workers_.kill_leftovers();
                }};
}

status::Picture Instance::picture() {
    sockets_.mend();
    sockets_.look();
    const core::View view = engine_.view();
    std::optional<status::Reload> last_reload;
    if (const auto last = ledger_.last_reload(live_totals())) last_reload = status::picture_of(*last);
    return take_picture(
        {.name = directory_.name(),
         .config_file = config_file_,
         .log_file = log_.file(),
         .started_at = started_at_,
         .now = engine_.now(),
         .view = view,
         .last_reload = last_reload,
         .left_behind = living(ledger_.left_behind()),
         .generation = [this](core::GenerationId id) { return generations_.find(id); },
         .worker = [this](core::WorkerId id) { return workers_.find(id); },
         .problem = [this](const Listener& listener) { return sockets_.problem_of(listener); }});
}

SharedSockets::Callbacks Instance::socket_callbacks() {
    return {.listeners = [this] { return generations_.listeners_by_generation(); },
            .say = [this](config::LogLevel level, const std::string& text) { log_.say(level, text); },
            .say_again = [this](const std::string& text) { mended_.add(text); }};
}

Relays::Callbacks Instance::relay_callbacks() {
    return {.moved =
                [this](core::GenerationId from, core::GenerationId to, std::size_t connections) {
                    log_.info("generation {} left {} in its inbox; they move on to generation {}",
                              core::number(from), counted(connections, "connection"), core::number(to));
                },
            .lost =
                [this](core::GenerationId from, std::size_t connections) {
                    log_.warning("generation {} left {} in its inbox, which nobody reads any more: closed",
                                 core::number(from), counted(connections, "connection"));
                }};
}

Workers::Callbacks Instance::worker_callbacks() {
    return {
        .happened = [this](core::Event event) { engine_.post(std::move(event)); },
        .exited = [this](core::WorkerId id, const ExitReport& report) { worker_exited(id, report); },
        .ended_leftovers =
            [this](core::WorkerId id, const std::vector<ProcessStat>& remaining) {
                const WorkerProcess* worker = workers_.find(id);
                for (const ProcessStat& process : remaining) {
                    if (worker != nullptr) strays_.out_of_reach(*worker, process);
                }
                engine_.wake();
            },
        .is_only_its_own = [this](core::WorkerId id,
                                  const ProcessStat& process) { return strays_.is_only_of(id, process); }};
}

// What other workers have said by now comes before what this one's end means for them.
void Instance::worker_exited(core::WorkerId id, const ExitReport& report) {
    WorkerProcess* worker = workers_.find(id);
    const pid_t pid = workers_.pid_of(id);
    if (workers_.is_abandoned(id)) {
        log_.info("{}, which could not be killed, has ended by itself", workers_.name_of(id));
        live_record_.remove(pid);
        return engine_.post(core::WorkerExited{id, report.status});
    }
    if (worker != nullptr) {
        const bool died = report.status_known && worker->died(report.status);
        count_connections(id, *worker, died);
        tell_exit(id, *worker, report, died);
        strays_.name_those_since(*worker);
    }
    if (!report.status_known) log_.warning("{}: how it ended is not known", workers_.name_of(id));
    live_record_.remove(pid);
    workers_.deliver_readiness();
    engine_.post(core::WorkerExited{id, report.status});
}

void Instance::tell_exit(core::WorkerId id, const WorkerProcess& worker, const ExitReport& report,
                         bool died) {
    if (died) {
        log_.warning("{} {}{}", workers_.name_of(id), describe(report.status),
                     worker.told_to_end() ? " while it drained: what it still served was cut" : "");
    }
    if (!worker.left_behind().empty())
        log_.warning("{} left {}; what it left {} ended", workers_.name_of(id), worker.left_behind(),
                     worker.ends_leftovers() ? "is being" : "was");
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

void Instance::turn_over() {
    record_problem(live_record_.save());
    answer_due();
    end_if_nothing_is_left();
}

void Instance::answer_due() {
    const auto leftovers = [this](auto generation) { return workers_.ends_leftovers_before(generation); };
    for (const Ledger::Answer& answer : ledger_.take_due(leftovers)) {
        if (answer.outcome)
            desk_.answer(answer.request, status::picture_of(*answer.outcome));
        else
            desk_.answer(answer.request, status::Stopped{true, living(ledger_.left_behind())});
    }
}

void Instance::end_if_nothing_is_left() {
    if (!ledger_.exit_code() || exit_code_ || workers_.ends_leftovers_before(std::nullopt)) return;
    exit_code_ = ledger_.exit_code();
    sockets_.stop();
    mended_.stop();
    relays_.clear();
    workers_.let_go();
    log_.set_listener({});
    log_.unfollow();
    desk_.close();
    on_exit_();
}

Ledger::Now Instance::ledger_now() {
    return {engine_.now(), std::chrono::system_clock::now()};
}

Ledger::Live Instance::live_totals() const {
    return [this](core::WorkerId id) { return workers_.totals_of(id); };
}

void Instance::warn(const Status& status) {
    if (!status) log_.warning("{}", status.error().message);
}

void Instance::record_problem(const Status& status) {
    if (!status) log_.warning("the record of live workers could not be written: {}", status.error().message);
}

}  // namespace sup
