#include "master/workers/worker_voice.h"

#include <utility>

namespace sup {

WorkerVoice::WorkerVoice(uv_loop_t* loop, const config::Config& config, Callbacks callbacks)
    : loop_(loop),
      ready_(config.worker.ready),
      speaks_einhorn_(speaks(config.worker, config::Protocol::einhorn)),
      callbacks_(std::move(callbacks)),
      target_(config.drain) {}

Result<std::unique_ptr<WorkerVoice>> WorkerVoice::open(uv_loop_t* loop, const Places& places,
                                                       const config::Config& config, Callbacks callbacks) {
    std::unique_ptr<WorkerVoice> voice(new WorkerVoice(loop, config, std::move(callbacks)));
    auto notify = NotifySocket::open(
        loop, places.notify_socket, std::nullopt,
        [raw = voice.get()](Notification notification) { raw->handle(std::move(notification)); });
    if (!notify) return notify.error();
    voice->notify_ = std::move(*notify);
    if (Status opened = voice->open_others(places); !opened) return opened.error();
    return voice;
}

// What it may say it is ready with, beside its notify socket.
Status WorkerVoice::open_others(const Places& places) {
    const auto ready = [this] { became_ready(); };
    const auto trouble = [this](const std::string& what) { callbacks_.trouble(what); };
    if (speaks_einhorn_) {
        const bool counts = std::holds_alternative<config::ReadyByAck>(ready_);
        auto ack = AckSocket::open(loop_, places.ack_socket, std::nullopt,
                                   {counts ? std::function<void()>(ready) : [] {}, trouble});
        if (!ack) return ack.error();
        ack_ = std::move(*ack);
    }
    if (std::holds_alternative<config::ReadyByNewline>(ready_)) {
        auto pipe = ReadyPipe::open(loop_, {ready, trouble});
        if (!pipe) return pipe.error();
        ready_pipe_ = std::move(*pipe);
    }
    return Success{};
}

std::optional<int> WorkerVoice::ready_end() const {
    return ready_pipe_ ? std::optional(ready_pipe_->worker_end()) : std::nullopt;
}

void WorkerVoice::born(Orphans& orphans, const WorkerMarks& marks) {
    orphans_ = &orphans;
    marks_ = &marks;
    if (ready_pipe_) ready_pipe_->close_worker_end();
    hearing_ = std::make_unique<Hearing>(orphans, marks, [this] { return uv_now(loop_); });
    if (ack_) ack_->expect(marks.pid, *hearing_);
}

void WorkerVoice::deliver() {
    if (notify_) notify_->drain();
    if (ack_) ack_->drain();
    if (ready_pipe_) ready_pipe_->drain();
}

void WorkerVoice::close() {
    notify_.reset();
    ack_.reset();
    ready_pipe_.reset();
}

void WorkerVoice::handle(Notification notification) {
    const NotifyMessage& message = notification.message;
    if (message == NotifyMessage{} || !hears(notification.sender)) return;
    if (message.status) status_text_ = *message.status;
    if (message.channel) callbacks_.channel(std::move(notification.channel));
    if (message.extend_timeout) callbacks_.extension(*message.extend_timeout);
    note_sender(notification);
    const bool counts = std::holds_alternative<config::ReadyByNotify>(ready_) ||
                        std::holds_alternative<config::ReadyAfter>(ready_);
    if (message.ready && counts) became_ready();
}

bool WorkerVoice::hears(const Sender& sender) {
    if (hearing_ && hearing_->hears(sender)) return true;
    tell_once(Trouble::stranger,
              describe(sender) + " of user " + std::to_string(sender.user) +
                  " wrote to its NOTIFY_SOCKET but is not one of its processes; its messages are ignored");
    return false;
}

// Which process may get the drain signal instead of the main process.
void WorkerVoice::note_sender(const Notification& notification) {
    const NotifyMessage& message = notification.message;
    if (message.ready) {
        if (const auto stat = process_stat(notification.sender.pid)) target_.said_ready(*stat);
    }
    if (!message.main_pid) return;
    const auto stat = process_stat(*message.main_pid);
    if (stat && orphans_->belongs_to(*stat, *marks_)) return target_.named_main(*stat);
    tell_once(Trouble::main_pid, "MAINPID=" + std::to_string(*message.main_pid) +
                                     " does not name one of its processes, and is ignored");
}

void WorkerVoice::became_ready() {
    said_ready_ = true;
    callbacks_.ready();
}

void WorkerVoice::tell_once(Trouble kind, const std::string& text) {
    if (told_.insert(kind).second) callbacks_.trouble(text);
}

}  // namespace sup
