// A master in the background: a process that holds nothing of its caller's.
#pragma once

#include <sys/types.h>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/cli/claim.h"

namespace sup::cli {

struct BackgroundMaster {
    pid_t pid = 0;    // a child of this process
    UniqueFd report;  // what MasterOptions::report is the other end of
};

// Forks. The child leads a session of its own, with /dev/null for its standard descriptors (the log replaces
// them) and only the lock and its end of the report beside them, and never returns from here. The caller
// keeps a copy of the lock.
Result<BackgroundMaster> start_in_background(Claim& claim);

}  // namespace sup::cli
