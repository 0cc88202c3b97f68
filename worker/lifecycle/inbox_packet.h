// One packet of an inbox: a line of JSON that says what the connection speaks, then what the worker that had
// it says of its session, then the bytes that it read from the client and did not use. The connected socket
// travels with it (SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/unix_message.h"

namespace sup::worker {

struct InboxPacket {
    std::string listener;
    std::string protocol;
    std::string_view unconsumed;  // in what was parsed, as the state is
    std::string_view state = {};
    unsigned version = 1;  // of what is said by both

    friend bool operator==(const InboxPacket&, const InboxPacket&) = default;
};

// What an inbox's end must be: a unix socket that keeps packets apart.
bool is_inbox_end(int descriptor);
// What an inbox carries: a stream socket that is connected, or was. Anything else (a pipe, a listener, a
// datagram socket, a file) could not be served, or would be somebody else's.
bool is_connection(int descriptor);

// Nothing when it is malformed.
std::optional<InboxPacket> parse_inbox_packet(std::string_view packet);

// Puts a connection into an inbox. The socket stays the caller's. An Error is a connection that cannot
// travel: more bytes than a packet may carry, or a descriptor that cannot be sent.
Result<SendOutcome> send_to_inbox(int inbox, const InboxPacket& packet, int socket);

}  // namespace sup::worker
