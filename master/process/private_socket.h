// A unix socket that only the master and one worker may use.
#pragma once

#include <optional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/process/owner.h"

namespace sup {

// A bound, non-blocking socket of `type` at `path`, replacing a stale file; 0600 and owned by `owner`. `what`
// names it in an error.
Result<UniqueFd> bind_private_socket(const std::string& what, const std::string& path, int type,
                                     std::optional<Owner> owner);

}  // namespace sup
