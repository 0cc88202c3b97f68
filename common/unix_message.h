// One message on a unix socket, with the descriptors that travel with it (SCM_RIGHTS, unix(7)).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

inline constexpr std::size_t max_descriptors_per_message = 16;

struct UnixMessage {
    std::size_t size = 0;    // bytes written to the caller's buffer; 0 is end-of-file on a connected socket
    bool truncated = false;  // MSG_TRUNC: the packet was larger than the buffer
    bool descriptors_lost = false;      // MSG_CTRUNC: more descriptors came than could be received
    std::vector<UniqueFd> descriptors;  // close-on-exec
    std::optional<pid_t> sender;        // with SO_PASSCRED set on the socket
    std::optional<uid_t> sender_user;   // its real one; known with `sender`
};

// Receives one packet without blocking. An empty optional means there is none now (EAGAIN). Descriptors
// beyond max_descriptors_per_message are closed by the kernel and reported as lost.
Result<std::optional<UnixMessage>> receive_unix_message(int socket, std::span<char> buffer);

// An empty packet looks like the end of the stream (recv(2)). Whether bytes of other packets wait behind it.
bool has_queued_bytes(int socket);

enum class SendOutcome {
    sent,
    would_block,   // EAGAIN: the queue is full
    too_many_fds,  // ETOOMANYREFS: too many descriptors in flight; the socket still polls writable, so wait
                   // with a timer
    no_receiver,   // EPIPE, ECONNRESET, ECONNREFUSED, ENOTCONN
};

// Sends one packet without blocking and without SIGPIPE. The descriptors stay the caller's.
// An Error is anything SendOutcome does not name (EMSGSIZE, ENOBUFS…).
Result<SendOutcome> send_unix_message(int socket, std::string_view bytes,
                                      std::span<const int> descriptors = {});

}  // namespace sup
