// The user that a worker runs as, where it is not the master's own.
#pragma once

#include <sys/types.h>

namespace sup {

struct Owner {
    uid_t uid;
    gid_t gid;
};

}  // namespace sup
