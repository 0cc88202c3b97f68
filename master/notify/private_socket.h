// A unix socket on which a worker speaks to the master.
#pragma once

#include <optional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/notify/owner.h"

namespace sup {

// A bound, non-blocking socket of `type` at `path`, replacing a stale file. With an `owner` it is 0600 and
// that user's; without one it is 0600, but 0666 where this process is root, because a worker may give up root
// before it speaks: whose messages count is then decided by the sender (sender.h). `what` names it in an
// error.
Result<UniqueFd> bind_private_socket(const std::string& what, const std::string& path, int type,
                                     std::optional<Owner> owner);

}  // namespace sup
