#include "master/inbox.h"

#include <sys/socket.h>

#include <array>
#include <string_view>
#include <vector>

#include "common/unix_message.h"

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

Result<std::shared_ptr<const Inbox>> Inbox::open() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return errno_error("cannot make the generation's inbox: socketpair");
    }
    enlarge(ends[1]);
    return std::shared_ptr<const Inbox>(new Inbox(UniqueFd{ends[0]}, UniqueFd{ends[1]}));
}

// The kernel looks at the flag under the lock that puts a packet into the queue (unix_dgram_sendmsg), so
// nothing comes in afterwards.
void Inbox::close_to_senders() const {
    ::shutdown(receiver(), SHUT_RD);
}

std::size_t Inbox::discard() const {
    std::size_t closed = 0;
    std::vector<char> buffer(max_inbox_packet);
    for (;;) {
        const auto received = receive_unix_message(receiver(), buffer);
        if (!received || !received->has_value() || (**received).size == 0) return closed;
        ++closed;
    }
}

Inbox::Forwarded Inbox::forward(const Inbox& to) const {
    Forwarded result;
    std::vector<char> buffer(max_inbox_packet);
    for (;;) {
        const auto received = receive_unix_message(receiver(), buffer);
        if (!received || !received->has_value() || (**received).size == 0) return result;
        const UnixMessage& message = **received;
        std::vector<int> descriptors;
        for (const UniqueFd& descriptor : message.descriptors) descriptors.push_back(descriptor.get());
        const auto sent =
            send_unix_message(to.sender(), std::string_view(buffer.data(), message.size), descriptors);
        const bool moved =
            sent.ok() && *sent == SendOutcome::sent && !message.truncated && !message.descriptors_lost;
        ++(moved ? result.moved : result.lost);
    }
}

}  // namespace sup
