// One packet of an inbox: a line of JSON that says what the connection speaks, then the bytes that were read
// from the client and not consumed. The connected socket travels with it (SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/unix_message.h"

namespace sup::worker {

inline constexpr std::size_t max_unconsumed = 64 * 1024;
inline constexpr std::size_t max_inbox_packet = max_unconsumed + 1024;

struct InboxPacket {
    std::string listener;
    std::string protocol;
    std::string_view unconsumed;  // in what was parsed

    friend bool operator==(const InboxPacket&, const InboxPacket&) = default;
};

// What an inbox's end must be: a unix socket that keeps packets apart.
bool is_inbox_end(int descriptor);

// Nothing when it is malformed.
std::optional<InboxPacket> parse_inbox_packet(std::string_view packet);

// Puts a connection into an inbox. The socket stays the caller's. An Error is a connection that cannot
// travel: more unconsumed bytes than a packet may carry, or a descriptor that cannot be sent.
Result<SendOutcome> send_to_inbox(int inbox, const InboxPacket& packet, int socket);

}  // namespace sup::worker
