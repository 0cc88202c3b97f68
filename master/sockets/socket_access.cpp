#include "master/sockets/socket_access.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/unique_fd.h"
#include "master/files/account.h"

namespace sup {
namespace {

constexpr uid_t same_owner = static_cast<uid_t>(-1);
constexpr gid_t same_group = static_cast<gid_t>(-1);

// By trying it with a file that nobody sees: the kernel knows about groups, capabilities and namespaces.
bool may_give(uid_t owner, gid_t group) {
    const UniqueFd file{::memfd_create("sup", MFD_CLOEXEC)};
    return !file || ::fchown(file.get(), owner, group) == 0;
}

}  // namespace

Result<SocketAccess, AccessProblem> resolve_access(const config::FileAccess& access) {
    SocketAccess resolved;
    resolved.mode = static_cast<mode_t>(access.mode);
    if (access.owner) {
        const auto owner = find_user(*access.owner);
        if (!owner) return AccessProblem{"owner", owner.error().message};
        if (!may_give(*owner, same_group))
            return AccessProblem{"owner", "only root can give a file to user " + *access.owner, true};
        resolved.owner = *owner;
    }
    if (access.group) {
        const auto group = find_group(*access.group);
        if (!group) return AccessProblem{"group", group.error().message};
        if (!may_give(same_owner, *group))
            return AccessProblem{"group",
                                 "only root and its members can give a file to group " + *access.group, true};
        resolved.group = *group;
    }
    return resolved;
}

}  // namespace sup
