// The workers of a master that was killed: ending exactly those.
#pragma once

#include "common/result.h"
#include "master/cli/exit_code.h"
#include "master/cli/instances.h"
#include "master/control/line_stream.h"
#include "master/runtime/process_identity.h"

namespace sup::cli {

// Sends each the drain signal that its master would have sent, waits for them as long as their drain may
// take, and kills their process groups at the end; with `now` kills at once. Then removes what their master
// left behind. Takes the instance's lock meanwhile, so that nobody starts it. ExitCode::timed_out when the
// deadline passed before.
Result<Success, CommandError> end_orphans(const Found& instance, bool now, const control::Deadline& deadline);

// Kills what is left of the process group that this process leads, or led until right now. Does nothing where
// the number belongs to another process by now.
void kill_group(const ProcessIdentity& leader);

}  // namespace sup::cli
