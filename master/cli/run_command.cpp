#include "master/cli/run_command.h"

#include <utility>

#include "master/cli/claim.h"
#include "master/cli/terminal.h"
#include "master/instance/master.h"

namespace sup::cli {

int run_command(const std::string& config_path) {
    auto claimed = claim(config_path);
    if (!claimed) {
        print_error(claimed.error().message);
        return static_cast<int>(claimed.error().code);
    }
    return run_master({.config = std::move(claimed->config),
                       .directory = std::move(claimed->directory),
                       .background = false,
                       .report = {}});
}

}  // namespace sup::cli
