// `sup list`: the instances of this user that run.
#pragma once

#include "master/cli/exit_code.h"

namespace sup::cli {

struct ListOptions {
    bool json = false;
};
ExitCode list_command(const ListOptions& options);

}  // namespace sup::cli
