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
    bool of_rights = false;  // another user might be allowed to
};

// It is also a problem if this user may not give files to these accounts: better now than a half-made change
// long after the promotion.
Result<SocketAccess, AccessProblem> resolve_access(const config::FileAccess& access);

}  // namespace sup
