#include "worker/lifecycle/inbox.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "common/count.h"
#include "common/wire.h"
#include "worker/lifecycle/log_line.h"

namespace sup::worker {

Inbox::Inbox(uv_loop_t* loop, UniqueFd receiver, Balance& balance, Callbacks callbacks)
    : loop_(loop),
      receiver_(std::move(receiver)),
      callbacks_(std::move(callbacks)),
      buffer_(wire::max_inbox_packet),
      queue_(
          loop, receiver_.get(), [this] { return take_one(); },
          [&balance] { return balance.above_peers(); }) {}

Status Inbox::drain() {
    queue_.stop();
    queue_.take_everything();
    if (closed()) return queue_.start();
    Result<uv::Poll> poll = uv::Poll::create(loop_, receiver_.get(), [this](int, int) {
        if (!closed()) return;
        closing_ = {};
        const Status started = queue_.start();
        if (!started) log_line("the inbox cannot be watched: " + started.error().message);
    });
    if (!poll) return poll.error();
    closing_ = std::move(*poll);
    closing_.start(UV_DISCONNECT);
    return Success{};
}

// By the master (POLLRDHUP), or because nobody holds the other end any more (POLLHUP).
bool Inbox::closed() const {
    pollfd state{receiver_.get(), POLLRDHUP, 0};
    return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLRDHUP)) != 0;
}

bool Inbox::empty_now() {
    for (;;) {
        switch (take_one()) {
            case SharedQueue::Taken::one: break;
            case SharedQueue::Taken::no_room: return false;
            case SharedQueue::Taken::none_left:
            case SharedQueue::Taken::broken:
            case SharedQueue::Taken::failed: return true;
        }
    }
}

// Without a free descriptor recvmsg() would take the packet and drop its socket (MSG_CTRUNC), which resets
// the client. So one is taken and given back first.
bool Inbox::has_free_descriptor() const {
    return static_cast<bool>(UniqueFd(::fcntl(receiver_.get(), F_DUPFD_CLOEXEC, 0)));
}

bool Inbox::something_queued() const {
    pollfd state{receiver_.get(), POLLIN, 0};
    return ::poll(&state, 1, 0) > 0;
}

void Inbox::tell_no_descriptor(int reason) {
    callbacks_.no_descriptor();
    if (told_) return;
    told_ = true;
    log_line(std::string("inbox: ") + std::strerror(reason) +
             "; connections wait in it until descriptors are free (raise the limit of open files)");
}

SharedQueue::Taken Inbox::take_one() {
    if (!has_free_descriptor()) {
        const int reason = errno;
        if (!something_queued()) return SharedQueue::Taken::none_left;
        tell_no_descriptor(reason);
        return SharedQueue::Taken::no_room;
    }
    Result<std::optional<UnixMessage>> received = receive_unix_message(receiver_.get(), buffer_);
    if (!received) {
        log_line("the inbox can no longer be read: " + received.error().message);
        return SharedQueue::Taken::failed;
    }
    if (!received->has_value()) {
        told_ = false;
        return SharedQueue::Taken::none_left;
    }
    if ((*received)->size == 0 && (*received)->descriptors.empty()) return take_empty_packet();
    use(std::move(**received));
    return SharedQueue::Taken::one;
}

void Inbox::use(UnixMessage message) {
    // A copy: what is caused by this connection may look into the inbox again.
    const std::string bytes(buffer_.data(), message.size);
    const auto packet = parse_inbox_packet(bytes);
    const bool whole = !message.truncated && !message.descriptors_lost;
    if (packet && whole && message.descriptors.size() == 1 && is_connection(message.descriptors[0].get()))
        return callbacks_.arrived(*packet, std::move(message.descriptors.front()));
    log_line("inbox: a packet of " + counted(message.size, "byte") + " and " +
             counted(message.descriptors.size(), "descriptor") +
             " is not a connection (docs/worker-protocol.md, section 3); what came with it is closed");
    for (UniqueFd& descriptor : message.descriptors) {
        if (is_connection(descriptor.get())) callbacks_.malformed(std::move(descriptor));
    }
}

// A packet of nothing, or the end. A closed inbox stays readable for ever, so it must not be watched any
// longer.
SharedQueue::Taken Inbox::take_empty_packet() {
    return closed() && !has_queued_bytes(receiver_.get()) ? SharedQueue::Taken::failed
                                                          : SharedQueue::Taken::one;
}

}  // namespace sup::worker
