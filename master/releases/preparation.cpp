#include "master/releases/preparation.h"

#include <sys/resource.h>

#include <filesystem>
#include <iterator>

#include "common/count.h"
#include "config/document.h"
#include "config/problem.h"
#include "master/notify/resolved_value.h"
#include "master/notify/worker_environment.h"
#include "master/spawn/descriptor_limit.h"

namespace sup {
namespace {

PreparationFailure failure(const Error& error) {
    return PreparationFailure{false, error.message};
}

std::size_t open_descriptors() {
    std::error_code ignored;
    const auto entries = std::filesystem::directory_iterator("/proc/self/fd", ignored);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

// A worker costs the master a pidfd, a notify socket, two output pipes and a channel, and what it says that
// it is ready with: a pipe, or a socket and a connection to it.
std::size_t descriptors_for_a_worker(const config::Worker& worker) {
    return std::size_t{5} + (speaks(worker, config::Protocol::einhorn) ? 2 : 0) +
           (std::holds_alternative<config::ReadyByNewline>(worker.ready) ? 1 : 0);
}

// A unix socket's file is held, too.
std::size_t descriptors_for(const config::Listen& listen, std::size_t slots) {
    if (listen.reuseport) return slots;
    return listen.address.path() != nullptr ? 2 : 1;
}

// Better to say so now than to run out in the middle of the start.
Status check_descriptors(const config::Config& config) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno_error("getrlimit");
    if (Status reachable = check_worker_descriptors(config, limit.rlim_cur); !reachable) return reachable;
    std::size_t needed = open_descriptors() + descriptors_of_a_master;
    needed += descriptors_for_a_worker(config.worker) * config.worker.count;
    for (const config::Listen& listen : config.listen) needed += descriptors_for(listen, config.worker.count);
    if (needed <= limit.rlim_cur) return Success{};
    return Error{"the limit of " + std::to_string(limit.rlim_cur) + " open files is too low for " +
                 counted(config.worker.count, "more worker") + ", for which about " + std::to_string(needed) +
                 " are needed (raise `ulimit -Hn`, or LimitNOFILE= in a systemd unit)"};
}

}  // namespace

Result<config::Config, PreparationFailure> reload_config(const std::string& file,
                                                         const std::string& instance) {
    const auto document = config::open_document(file);
    if (!document) return PreparationFailure{true, config::to_text(document.error())};
    auto config = config::read_config(*document);
    if (!config) return PreparationFailure{true, config::to_text(config.error())};
    if (config->name == instance) return std::move(*config);
    const config::Problem problem{config::position_of(*document, "/name"), "/name",
                                  "a running instance keeps its name, \"" + instance + "\"; to run \"" +
                                      config->name + "\", start it beside this one"};
    return PreparationFailure{true, config::to_text(document->name, problem)};
}

Result<std::shared_ptr<const Generation>, PreparationFailure> prepare_generation(core::GenerationId id,
                                                                                 config::Config config,
                                                                                 const Listeners& held) {
    config.worker.env = resolved_variables(std::move(config.worker.env));
    const auto environment = base_environment(current_environment(), config.worker.env);
    auto executable = Executable::pin(config.worker.program, environment, config.worker.cwd);
    if (!executable) return failure(executable.error());
    auto directory = PinnedDirectory::pin(config.worker.cwd);
    if (!directory) return failure(directory.error());
    Arguments arguments =
        Arguments::resolve(config.worker.program, config.worker.arguments, (*directory)->path());
    if (Status enough = check_descriptors(config); !enough) return failure(enough.error());
    auto inbox = Inbox::open();
    if (!inbox) return failure(inbox.error());
    auto scoreboard = Scoreboard::create(Scoreboard::rows_of_a_generation);
    if (!scoreboard) return failure(scoreboard.error());
    // Last, because binding is the one step that others can see.
    auto listeners = acquire_listeners(config.listen, held, config.worker.count);
    if (!listeners) return failure(listeners.error());

    auto generation = std::make_shared<Generation>();
    generation->id = id;
    generation->config = std::move(config);
    generation->executable = std::move(*executable);
    generation->directory = std::move(*directory);
    generation->arguments = std::move(arguments);
    generation->listeners = std::move(*listeners);
    generation->inbox = std::move(*inbox);
    generation->scoreboard = std::make_shared<const Scoreboard>(std::move(*scoreboard));
    generation->prepared_at = std::chrono::system_clock::now();
    return std::shared_ptr<const Generation>(std::move(generation));
}

}  // namespace sup
