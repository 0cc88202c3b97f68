#include "master/worker_process.h"

#include <csignal>

#include "master/process/output_pipe.h"
#include "master/process/spawn.h"
#include "master/process/worker_environment.h"

namespace sup {

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(uv_loop_t* loop, const Spec& spec,
                                                            Callbacks callbacks) {
    if (Status same = spec.generation->executable->verify(); !same) return same.error();
    std::unique_ptr<WorkerProcess> worker(new WorkerProcess(spec, std::move(callbacks)));

    auto notify = NotifySocket::open(
        loop, spec.notify_socket, std::nullopt,
        [raw = worker.get()](Notification notification) { raw->handle(std::move(notification)); });
    if (!notify) return notify.error();
    worker->notify_ = std::move(*notify);
    if (Status opened = worker->open_output(loop); !opened) return opened.error();
    if (Status spawned = worker->spawn_process(loop); !spawned) return spawned.error();
    return worker;
}

Status WorkerProcess::open_output(uv_loop_t* loop) {
    if (generation().config.log.workers == config::WorkerOutput::inherit) return Success{};
    OutputCapture::Callbacks callbacks;
    callbacks.on_line = [this](OutputStream stream, std::string_view line) { callbacks_.line(stream, line); };
    callbacks.on_closed = [this] {
        last_words_ = output_->last_lines();
        output_.reset();
        if (exit_reported_) report_output_closed();
    };
    auto output =
        OutputCapture::open(loop, std::nullopt, std::move(callbacks),
                            output_pipe_bytes(generation().config.worker.count, pipe_limit_of_user()));
    if (!output) return output.error();
    output_ = std::move(*output);
    return Success{};
}

Status WorkerProcess::spawn_process(uv_loop_t* loop) {
    const config::Config& config = generation().config;
    WorkerVariables variables;
    variables.instance = config.name;
    variables.generation = generation().id;
    variables.slot = spec_.slot;
    variables.drain_signal = config.drain.signal;
    variables.drain_timeout = config.drain.timeout;
    variables.notify_socket = spec_.notify_socket;

    SpawnRequest request{.executable = *generation().executable,
                         .directory = *generation().directory,
                         .arguments = config.worker.command,
                         .environment = {},
                         .listeners = {},
                         .descriptor_limit = spec_.descriptor_limit};
    for (const auto& listener : generation().listeners) {
        request.listeners.push_back(listener->fd());
        variables.listener_names.push_back(listener->name());
    }
    request.environment = worker_environment(current_environment(), config.worker.env, variables);
    if (output_) {
        request.standard_output = output_->worker_end(OutputStream::standard_output);
        request.standard_error = output_->worker_end(OutputStream::standard_error);
    }
    auto process = spawn(request);
    if (!process) return process.error();
    if (output_) output_->close_worker_ends();
    pid_ = process->pid;

    auto watch = ChildWatch::create(loop, pid_, std::move(process->pidfd),
                                    [this](const ExitReport& report) { handle_exit(report); });
    if (!watch) return watch.error();  // and the process is gone: see ChildWatch
    watch_ = std::move(*watch);
    return Success{};
}

void WorkerProcess::handle(Notification notification) {
    const NotifyMessage& message = notification.message;
    if (message.status) status_text_ = *message.status;
    if (message.channel && !channel_) open_channel(std::move(notification.channel));
    if (message.extend_timeout) callbacks_.extended_timeout(*message.extend_timeout);
    if (message.ready) {
        said_ready_ = true;
        callbacks_.ready();
    }
}

void WorkerProcess::open_channel(UniqueFd socket) {
    auto channel = WorkerChannel::adopt(std::move(socket));
    if (!channel) {
        if (!channel_refused_) callbacks_.trouble("its channel cannot be used: " + channel.error().message);
        channel_refused_ = true;
        return;
    }
    channel_ = std::move(*channel);
    if (spec_.scoreboard_row) {
        if (Status sent = channel_->send_scoreboard(*generation().scoreboard, *spec_.scoreboard_row); !sent) {
            callbacks_.trouble("it got no scoreboard: " + sent.error().message);
        }
    }
    if (Status sent = channel_->send_inbox(*generation().inbox); !sent) {
        callbacks_.trouble("it got no inbox: " + sent.error().message);
        channel_.reset();
        return;
    }
    spoke_channel_ = true;
    callbacks_.opened_channel();
}

void WorkerProcess::handle_exit(const ExitReport& report) {
    notify_->drain();
    notify_.reset();
    channel_.reset();
    if (output_) output_->finish();
    exit_reported_ = true;
    callbacks_.exited(report);
    if (!output_) report_output_closed();
}

void WorkerProcess::report_output_closed() {
    // A copy, because the callback may destroy the worker and itself with it.
    const auto closed = callbacks_.output_closed;
    closed();
}

std::vector<std::string> WorkerProcess::last_lines() const {
    return output_ ? output_->last_lines() : last_words_;
}

const ScoreboardRow* WorkerProcess::scoreboard_row() const {
    if (!spoke_channel_ || !spec_.scoreboard_row || !spec_.generation) return nullptr;
    return &generation().scoreboard->row(*spec_.scoreboard_row);
}

void WorkerProcess::drain(const ListenerSplit& listeners, const Inbox* inbox) {
    told_to_end_ = true;
    redirect(listeners, inbox);
    watch_->signal(generation().config.drain.signal);
}

void WorkerProcess::redirect(const ListenerSplit& listeners, const Inbox* inbox) {
    if (!channel_) return;
    if (Status sent = channel_->send_drain(listeners, inbox); !sent) {
        callbacks_.trouble("its drain packet could not be sent: " + sent.error().message);
    }
}

void WorkerProcess::deliver_readiness() {
    if (notify_ && !said_ready_) notify_->drain();
}

void WorkerProcess::kill() {
    told_to_end_ = true;
    watch_->kill_group();
    watch_->signal(SIGKILL);  // it may have left its group
}

}  // namespace sup
