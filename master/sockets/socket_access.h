// Who may connect to a unix socket: the owner and mode of its file.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "config/config.h"

namespace sup {

// config::FileAccess with the accounts looked up.
struct SocketAccess {
    mode_t mode = 0666;
    std::optional<uid_t> owner;
    std::optional<gid_t> group;
};

struct AccessProblem {
    std::string_view key;    // "owner" or "group"
    std::string message;     // "there is no user ann", "only root can give a file to user ann"
    bool of_rights = false;  // another user may be allowed to
};

// A problem, too, where this user may not give files to these accounts: better than half a change when a
// reload has long been promoted.
Result<SocketAccess, AccessProblem> resolve_access(const config::FileAccess& access);

}  // namespace sup
