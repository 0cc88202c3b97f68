// Users and groups by name or number.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/result.h"

namespace sup {

// May ask the network, where the machine's accounts live there: not for a busy loop.
Result<uid_t> find_user(const std::string& name_or_number);
Result<gid_t> find_group(const std::string& name_or_number);

}  // namespace sup
