#include "master/handoff/inbox.h"

#include <sys/socket.h>

#include <array>
#include <utility>
#include <vector>

#include "common/wire.h"

namespace sup {
namespace {

// Room for some thousand idle connections; a drainer waits when it is full. SO_SNDBUF is capped by
// net.core.wmem_max, SO_SNDBUFFORCE needs CAP_NET_ADMIN (socket(7)): best effort both.
void enlarge(int sender) {
    const int bytes = 8 * 1024 * 1024;
    if (::setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) == 0) return;
    ::setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

}  // namespace

Result<std::shared_ptr<Inbox>> Inbox::open() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return errno_error("cannot make the generation's inbox: socketpair");
    }
    enlarge(ends[1]);
    return std::shared_ptr<Inbox>(new Inbox(UniqueFd{ends[0]}, UniqueFd{ends[1]}));
}

// The kernel looks at the flag under the lock that puts a packet into the queue (unix_dgram_sendmsg), so
// nothing comes in afterwards. Both directions, although nothing is ever sent back: only that is a hang-up,
// which wakes senders that wait until they can write.
void Inbox::close_to_senders() const {
    ::shutdown(receiver(), SHUT_RDWR);
}

Result<std::shared_ptr<const Inbox>> Inbox::renew() {
    auto fresh = open();
    if (!fresh) return fresh.error();
    std::swap(receiver_, (*fresh)->receiver_);
    std::swap(sender_, (*fresh)->sender_);
    return std::shared_ptr<const Inbox>(std::move(*fresh));
}

std::size_t Inbox::discard() const {
    std::size_t closed = 0;
    std::vector<char> buffer(wire::max_inbox_packet);
    while (const auto received = receive(buffer)) {
        if (received->size > 0) ++closed;
    }
    return closed;
}

// A worker that sends an empty packet must not end the inbox for those behind it.
std::optional<UnixMessage> Inbox::receive(std::span<char> buffer) const {
    auto received = receive_unix_message(receiver(), buffer);
    if (!received || !received->has_value()) return std::nullopt;
    UnixMessage& message = **received;
    if (message.size == 0 && message.descriptors.empty() && !has_queued_bytes(receiver()))
        return std::nullopt;
    return std::move(message);
}

}  // namespace sup
