#include "master/workers/worker_process.h"

#include <unistd.h>

#include <csignal>
#include <utility>

#include "common/signal_name.h"
#include "master/notify/output_pipe.h"

namespace sup {

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(uv_loop_t* loop, const Spec& spec,
                                                            Callbacks callbacks) {
    std::unique_ptr<WorkerProcess> worker(new WorkerProcess(loop, spec, std::move(callbacks)));

    auto voice = WorkerVoice::open(loop, {spec.notify_socket, spec.ack_socket}, spec.generation->config,
                                   worker->voice_callbacks());
    if (!voice) return voice.error();
    worker->voice_ = std::move(*voice);
    if (Status opened = worker->open_output(); !opened) return opened.error();
    if (Status spawned = worker->spawn_process(); !spawned) return spawned.error();
    return worker;
}

Status WorkerProcess::open_output() {
    if (generation().config.log.workers == config::WorkerOutput::inherit) return Success{};
    OutputCapture::Callbacks callbacks;
    callbacks.on_line = [this](OutputStream stream, std::string_view line) { callbacks_.line(stream, line); };
    callbacks.on_closed = [this] {
        last_words_ = output_->last_lines();
        output_.reset();
        report_if_finished();
    };
    auto output =
        OutputCapture::open(loop_, *spec_.turns, std::nullopt, std::move(callbacks),
                            output_pipe_bytes(generation().config.worker.count, pipe_limit_of_user()));
    if (!output) return output.error();
    output_ = std::move(*output);
    return Success{};
}

WorkerVoice::Callbacks WorkerProcess::voice_callbacks() {
    return {.ready = [this] { callbacks_.ready(); },
            .channel =
                [this](UniqueFd socket) {
                    link_.open(std::move(socket),
                               {generation().scoreboard, spec_.scoreboard_row, generation().inbox});
                },
            .extension = [this](Duration extension) { extend(extension); },
            .trouble = [this](const std::string& what) { callbacks_.trouble(what); }};
}

WorkerVariables WorkerProcess::variables() const {
    const config::Config& config = generation().config;
    WorkerVariables variables;
    variables.instance = config.name;
    variables.generation = generation().id;
    variables.slot = spec_.slot;
    variables.drain_signal = config.drain.signal;
    variables.drain_timeout = config.drain.timeout;
    variables.notify_socket = spec_.notify_socket;
    variables.ack_socket = spec_.ack_socket;
    variables.directory = generation().directory->path();
    variables.protocols = config.worker.protocols;
    int fd = speaks(config.worker, config::Protocol::standard_input) ? STDIN_FILENO : STDERR_FILENO + 1;
    for (const auto& listener : generation().listeners) {
        variables.listeners.push_back(listener_facts(*listener, fd++));
    }
    return variables;
}

SpawnRequest WorkerProcess::spawn_request() const {
    const config::Worker& worker = generation().config.worker;
    const WorkerVariables variables = this->variables();
    SpawnRequest request{
        .executable = *generation().executable,
        .directory = *generation().directory,
        .arguments = worker_arguments(worker.program, generation().arguments.now(), worker_facts(variables)),
        .environment = worker_environment(current_environment(), worker.env, variables),
        .listeners = {},
        .listen_pid = speaks(worker, config::Protocol::systemd),
        .standard_input = {},
        .extra = {},
        .descriptor_limit = spec_.descriptor_limit,
        .note = spec_.note};
    if (speaks(worker, config::Protocol::standard_input)) {
        request.standard_input = generation().listeners.front()->fd(spec_.slot);
    } else {
        for (const auto& listener : generation().listeners)
            request.listeners.push_back(listener->fd(spec_.slot));
    }
    if (const auto* newline = std::get_if<config::ReadyByNewline>(&worker.ready)) {
        request.extra = {voice_->ready_end().value(), newline->fd};
    }
    if (output_) {
        request.standard_output = output_->worker_end(OutputStream::standard_output);
        request.standard_error = output_->worker_end(OutputStream::standard_error);
    } else if (spec_.inherited_output) {
        request.standard_output = *spec_.inherited_output;
        request.standard_error = *spec_.inherited_output;
    }
    return request;
}

Status WorkerProcess::spawn_process() {
    auto process = spawn(spawn_request());
    if (!process) return process.error();
    if (output_) note_output_pipes();
    marks_.pid = process->pid;
    marks_.notify_socket = spec_.notify_socket;
    if (const auto stat = process_stat(pid())) began_ = stat->start_time;
    noted_ = process->noted;
    voice_->born(*spec_.orphans, marks_);

    auto watch = ChildWatch::create(
        loop_, pid(), std::move(process->pidfd), [this](const ExitReport& report) { handle_exit(report); },
        [this] { ended(); });
    if (!watch) return watch.error();  // and the process is gone: see ChildWatch
    watch_ = std::move(*watch);
    return Success{};
}

void WorkerProcess::note_output_pipes() {
    for (const auto stream : {OutputStream::standard_output, OutputStream::standard_error}) {
        if (const auto pipe = file_id(output_->worker_end(stream))) marks_.output_pipes.push_back(*pipe);
    }
    output_->close_worker_ends();
}

// Whoever leaves the tree later, and everything else that tells whose it is, is known by this.
void WorkerProcess::note_its_own() {
    if (watch_->reaped()) return;
    auto now = spec_.orphans->processes_of(marks_);
    std::erase_if(now, [this](const ProcessStat& one) { return one.pid == pid(); });
    marks_.seen = std::move(now);
}

// Only of the time to become ready: a drain ends by its deadline, whatever the worker says.
void WorkerProcess::extend(Duration extension) {
    if (!told_to_end_) return callbacks_.extended_timeout(extension);
    if (std::exchange(refused_extension_, true)) return;
    callbacks_.trouble("EXTEND_TIMEOUT_USEC does not extend a drain, which ends after drain.timeout (" +
                       format_duration(generation().config.drain.timeout) + ")");
}

// Nobody can take its place, or its users', before this returns.
void WorkerProcess::ended() {
    voice_->deliver();
    note_its_own();
}

void WorkerProcess::handle_exit(const ExitReport& report) {
    voice_->worker_was_reaped();
    voice_->deliver();
    voice_->close();
    link_.read_to_the_end();
    exit_report_ = report;
    if (report.group_remained) left_behind_ = "processes of its group behind";
    if (output_) return output_->finish([this] { conclude_exit(); });
    conclude_exit();
}

void WorkerProcess::report_exit_now() {
    if (exit_report_ && !exit_reported_ && output_) output_->finish_now();
}

// It has ended, in time or not, whatever it left: that is ended beside what comes next.
void WorkerProcess::conclude_exit() {
    end_leftovers();
    report_exit();
}

void WorkerProcess::end_leftovers() {
    if (!spec_.generation || !generation().config.worker.end_leftovers) return;
    auto leftovers = std::make_unique<Leftovers>(loop_, *spec_.orphans, marks_, callbacks_.is_only_its_own,
                                                 [this] { leftovers_ended(); });
    if (!leftovers->begin(killed_ || !was_ready_)) return;
    leftovers_ = std::move(leftovers);
    if (const std::string names = leftovers_->names(); !names.empty())
        left_behind_ = names + " behind, in a session of its own";
}

void WorkerProcess::leftovers_ended() {
    const auto leftovers = std::exchange(leftovers_, nullptr);
    callbacks_.ended_leftovers(leftovers->remaining());
    report_if_finished();
}

void WorkerProcess::kill_leftovers() {
    if (leftovers_) leftovers_->kill();
}

void WorkerProcess::abandon() {
    voice_->close();
    link_.close();
}

void WorkerProcess::release_generation() {
    served_ = listeners_text();
    spec_.generation.reset();
}

std::string WorkerProcess::listeners_text() const {
    if (!spec_.generation) return served_;
    std::string text;
    for (const auto& listener : generation().listeners)
        text += (text.empty() ? "" : ", ") + listener->name() + " " + listener->address();
    return text;
}

void WorkerProcess::report_exit() {
    exit_reported_ = true;
    callbacks_.exited(*exit_report_);
    report_if_finished();
}

void WorkerProcess::report_if_finished() {
    if (!exit_reported_ || !finished()) return;
    // A copy, because the callback may destroy the worker and itself with it.
    const auto report = callbacks_.finished;
    report();
}

std::vector<std::string> WorkerProcess::last_lines() const {
    return output_ ? output_->last_lines() : last_words_;
}

const ScoreboardRow* WorkerProcess::scoreboard_row() const {
    if (!link_.spoke() || !spec_.scoreboard_row || !spec_.generation) return nullptr;
    return &generation().scoreboard->row(*spec_.scoreboard_row);
}

void WorkerProcess::drain(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox, SpokenByAll spoken) {
    told_to_end_ = true;
    note_its_own();
    redirect(std::move(listeners), std::move(inbox), std::move(spoken));
    if (send_drain_signal() != SignalOutcome::refused) return;
    callbacks_.trouble(signal_name(generation().config.drain.signal) +
                       " could not be sent to it: it may not be signalled");
}

bool WorkerProcess::died(const core::ExitStatus& status) const {
    if (!told_to_end_) return true;
    return status.signalled && !killed_ && status.code != generation().config.drain.signal;
}

SignalOutcome WorkerProcess::send_drain_signal() {
    const config::Drain& drain = generation().config.drain;
    if (drain.to == config::DrainTo::group) return watch_->signal_group(drain.signal);
    if (const HeldProcess* other = watch_->reaped() ? nullptr : voice_->target().instead_of(pid())) {
        const SignalOutcome outcome = other->signal(drain.signal);
        if (outcome != SignalOutcome::ended) return outcome;
    }
    return watch_->signal(drain.signal);
}

std::optional<std::string> WorkerProcess::out_of_reach() const {
    if (watch_->reaped()) return std::nullopt;
    const HeldProcess* other = voice_->target().instead_of(pid());
    const bool reached = watch_->signal(0) != SignalOutcome::refused &&
                         (other == nullptr || other->signal(0) != SignalOutcome::refused);
    if (reached) return std::nullopt;
    const auto users = process_users(pid());
    std::string text = "sup, which runs as user " + std::to_string(::geteuid()) + ", may not signal it";
    if (users) text += ": it runs as user " + std::to_string(users->real);
    return text + " (is its program setuid?)";
}

std::optional<std::string> WorkerProcess::odd_main_process() const {
    if (watch_->reaped()) return std::nullopt;
    const std::string main = "its main " + describe(Sender{pid(), 0});
    const std::string signal = signal_name(generation().config.drain.signal);
    if (const HeldProcess* server = voice_->target().behind_wrapper(pid())) {
        const std::string speaker = describe(Sender{server->pid(), 0});
        return "READY=1 came from " + speaker + ", not from " + main +
               ", which only waits for it. A server that compares LISTEN_PID with its own pid does not "
               "take its listeners that way. " +
               signal + " will go to " + speaker + "; it is better to start the server with exec";
    }
    if (!voice_->target().ends_wrapper(pid())) return std::nullopt;
    return signal + " ends " + main +
           " at once, and with it whatever that has started: start the server with exec, or set drain.to";
}

void WorkerProcess::redirect(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox,
                             SpokenByAll spoken) {
    link_.send_drain(std::move(listeners), std::move(inbox), std::move(spoken));
}

void WorkerProcess::send_inbox() {
    link_.send_inbox(generation().inbox);
}

void WorkerProcess::deliver_readiness() {
    if (!voice_->said_ready()) voice_->deliver();
}

void WorkerProcess::was_ready() {
    was_ready_ = true;
    note_its_own();
}

void WorkerProcess::set_patient(bool patient) {
    if (output_) output_->set_patient(patient);
}

SignalOutcome WorkerProcess::kill() {
    told_to_end_ = true;
    killed_ = true;
    note_its_own();
    kill_leftovers();
    watch_->kill_group();
    return watch_->signal(SIGKILL);  // it may have left its group
}

}  // namespace sup
