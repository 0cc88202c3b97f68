// The folder that holds one folder for each instance of this user: $SUP_RUNTIME_DIR, else /run/sup for root,
// else $XDG_RUNTIME_DIR/sup, else /tmp/sup-UID.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/result.h"

namespace sup {

// What the choice depends on; taken from the process by current_runtime_environment().
struct RuntimeEnvironment {
    std::optional<std::string> sup_runtime_dir;  // $SUP_RUNTIME_DIR
    std::optional<std::string> xdg_runtime_dir;  // $XDG_RUNTIME_DIR
    uid_t uid = 0;                               // effective
};
RuntimeEnvironment current_runtime_environment();

struct RuntimeDirectory {
    std::string path;     // absolute, without a slash at its end
    bool shared = false;  // lies in a folder that anybody can write to (/tmp), so its owner is checked
};
// Chooses; touches nothing. An empty variable counts as unset.
RuntimeDirectory choose_runtime_directory(const RuntimeEnvironment& environment);

// It must not be in the hands of others: each folder on the way to it, also by symbolic links,
// belongs to root or to this user (for root, who looks after other users' instances, to the owner of the
// folder as well), and others may write to it only where the sticky bit keeps them from what is not theirs.
// Access control lists are not looked at.
//
// Makes the folder where it is missing (its parent must be there) and checks that it may be used: it must be
// this user's own, since whoever owns it can replace what an instance puts there. For root it can
// be traversed by every user (0755), because workers of other users must reach their notify sockets; otherwise
// 0700.
Status create_runtime_directory(const RuntimeDirectory& directory);

// Only checks. False: it does not exist, so that no instance runs. Not in a shared folder it may be somebody
// else's: root looks after other users' instances, too.
Result<bool> runtime_directory_exists(const RuntimeDirectory& directory);

}  // namespace sup
