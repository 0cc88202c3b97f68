#include "master/handoff/inbox_relay.h"

#include <fcntl.h>

#include <string_view>
#include <utility>

#include "common/wire.h"

namespace sup {
namespace {

Result<SendOutcome> send(int inbox, const std::vector<char>& bytes,
                         const std::vector<UniqueFd>& descriptors) {
    std::vector<int> passengers;
    for (const UniqueFd& descriptor : descriptors) passengers.push_back(descriptor.get());
    return send_unix_message(inbox, std::string_view(bytes.data(), bytes.size()), passengers);
}

}  // namespace

InboxRelay::InboxRelay(uv_loop_t* loop, std::shared_ptr<const Inbox> from, std::shared_ptr<const Inbox> to,
                       std::function<void(const Outcome&)> done)
    : from_(std::move(from)), to_(std::move(to)), done_(std::move(done)), retry_(loop, [this] { move(); }) {}

void InboxRelay::move() {
    for (;;) {
        const Taken taken = held_ ? Taken::one : take_one();
        if (taken == Taken::none_left) return finish();
        if (taken == Taken::no_descriptor) return retry_.arm();
        const auto sent = send(to_->sender(), held_->bytes, held_->descriptors);
        if (sent && (*sent == SendOutcome::would_block || *sent == SendOutcome::too_many_fds))
            return retry_.arm();
        ++(sent && *sent == SendOutcome::sent ? outcome_.moved : outcome_.lost);
        held_.reset();
        retry_.went_on();
    }
}

void InboxRelay::redirect(std::shared_ptr<const Inbox> to) {
    if (to) {
        to_ = std::move(to);
        return move();
    }
    if (held_) ++outcome_.lost;
    held_.reset();
    outcome_.lost += from_->discard();
    finish();
}

// Without a free descriptor the kernel would take the packet and drop its socket.
InboxRelay::Taken InboxRelay::take_one() {
    if (!UniqueFd(::fcntl(from_->receiver(), F_DUPFD_CLOEXEC, 0))) return Taken::no_descriptor;
    std::vector<char> buffer(wire::max_inbox_packet);
    for (;;) {
        auto received = from_->receive(buffer);
        if (!received) return Taken::none_left;
        if (received->size == 0) continue;
        // A connection without all its bytes is useless: its client would lose what is missing.
        if (received->truncated || received->descriptors_lost) {
            ++outcome_.lost;
            continue;
        }
        buffer.resize(received->size);
        held_ = Packet{std::move(buffer), std::move(received->descriptors)};
        return Taken::one;
    }
}

void InboxRelay::finish() {
    const auto done = std::move(done_);
    done(outcome_);
}

}  // namespace sup
