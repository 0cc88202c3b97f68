#include "master/cli/claim.h"

#include <utility>

#include "config/load.h"
#include "master/cli/instances.h"
#include "master/runtime/live_record.h"
#include "master/runtime/runtime_directory.h"
#include "master/spawn/descriptor_limit.h"

namespace sup::cli {
namespace {

CommandError failed(const Error& error) {
    return {ExitCode::failed, error.message};
}

// Two generations of workers with nothing between them would serve the same ports, or fight for them.
Result<Success, CommandError> refuse_orphans(const InstanceDirectory& directory) {
    const auto record = read_live_record(directory.paths().live_workers);
    if (!record) return failed(record.error());
    const auto orphans = *record ? still_alive(**record) : std::vector<LiveWorker>{};
    if (orphans.empty()) return Success{};
    return CommandError{ExitCode::failed, describe_workers(orphans) + " of " + directory.name() +
                                              ", whose master is gone, still " +
                                              (orphans.size() == 1 ? "serves" : "serve") +
                                              "; run `sup stop " + directory.name() + "` first"};
}

}  // namespace

Result<Claim, CommandError> claim(const std::string& config_path) {
    auto config = config::load_config(config_path);
    if (!config) {
        const auto& problems = config.error();
        return CommandError{ExitCode::usage, "the configuration is not valid:\n" + config::to_text(problems)};
    }
    if (const auto enough = check_master_descriptors(); !enough) return failed(enough.error());
    const RuntimeDirectory runtime = choose_runtime_directory(current_runtime_environment());
    if (const auto created = create_runtime_directory(runtime); !created) return failed(created.error());
    auto directory = InstanceDirectory::claim(runtime.path, config->name);
    if (!directory) return failed(directory.error());
    if (const auto free = refuse_orphans(*directory); !free) return free.error();
    if (const auto cleared = directory->clear_stale(); !cleared) return failed(cleared.error());
    return Claim{std::move(*config), std::move(*directory)};
}

}  // namespace sup::cli
