// A generation's inbox: a second accept queue, for connections that are already established.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/unix_message.h"

namespace sup {

// Both ends of a SOCK_SEQPACKET pair. Workers get copies; the master keeps its own as long as the generation
// lives, so that nothing in the inbox is lost when workers die. The ends are shared open file descriptions.
class Inbox {
public:
    static Result<std::shared_ptr<Inbox>> open();
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    int receiver() const noexcept { return receiver_.get(); }
    int sender() const noexcept { return sender_.get(); }

    // Closes it to senders for good, in every process: sending to it fails with EPIPE from now on, and
    // senders that wait for room are woken. What is in it can still be taken; after that the receiver reads
    // the end.
    void close_to_senders() const;
    // Puts a new pair in the place of this one, which is returned, with what is in it. After an error nothing
    // has changed.
    Result<std::shared_ptr<const Inbox>> renew();

    // The next packet, perhaps an empty one; nothing at the end, or when there is none now.
    std::optional<UnixMessage> receive(std::span<char> buffer) const;
    // Closes the connections that are in it, and says how many there were.
    std::size_t discard() const;

private:
    Inbox(UniqueFd receiver, UniqueFd sender) : receiver_(std::move(receiver)), sender_(std::move(sender)) {}

    UniqueFd receiver_;
    UniqueFd sender_;
};

}  // namespace sup
