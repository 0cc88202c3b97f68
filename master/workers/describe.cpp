#include "master/workers/describe.h"

#include <fmt/format.h>

#include <cstdlib>

#include "common/signal_name.h"
#include "master/releases/generation.h"

namespace sup {
namespace {

std::string who(const core::Failure& failure, const std::optional<FailedWorker>& worker) {
    std::string slot = failure.slot ? fmt::format("worker {}", *failure.slot) : "a worker";
    if (!worker) return slot;
    const std::string of =
        fmt::format("{} of generation {}", slot, static_cast<std::uint32_t>(worker->generation));
    return worker->pid == 0 ? of : fmt::format("{} (pid {})", of, worker->pid);
}

std::string how(const core::Failure& failure) {
    return failure.status ? describe(*failure.status) : std::string("ended");
}

// A main process that exits by itself while others of its worker live has gone into the background.
std::string daemon_words(const core::Failure& failure, const std::optional<FailedWorker>& worker) {
    if (!worker || worker->left_behind.empty() || !failure.status || failure.status->signalled) return {};
    return "; it left " + worker->left_behind +
           ": is it a daemon? A worker must stay in the foreground, as sup waits for the process that it "
           "started";
}

std::string what_it_should_have_done(const config::Ready& ready) {
    if (std::holds_alternative<config::ReadyByAck>(ready)) return "sent its ack to EINHORN_SOCK_PATH";
    if (const auto* newline = std::get_if<config::ReadyByNewline>(&ready)) {
        return fmt::format("wrote a newline to descriptor {}", newline->fd);
    }
    return "sent READY=1 to NOTIFY_SOCKET";
}

}  // namespace

std::string describe(const core::ExitStatus& status) {
    return status.signalled ? "was killed by " + numbered_signal(status.code)
                            : fmt::format("exited with code {}", status.code);
}

std::string describe(const core::Failure& failure, const std::optional<FailedWorker>& worker) {
    using Kind = core::Failure::Kind;
    switch (failure.kind) {
        case Kind::prepare_failed:
        case Kind::configuration_error: return failure.detail;
        case Kind::spawn_failed:
            return fmt::format("{} could not be started: {}", who(failure, worker), failure.detail);
        case Kind::exited_before_ready:
            return fmt::format("{} {} before it was ready{}", who(failure, worker), how(failure),
                               daemon_words(failure, worker));
        case Kind::out_of_reach: return fmt::format("{}: {}", who(failure, worker), failure.detail);
        case Kind::ready_timeout:
            return fmt::format(
                "{} was not ready within {}: it never {} (for a worker that cannot, set "
                "worker.ready to a duration)",
                who(failure, worker),
                worker ? format_duration(worker->ready_timeout) : "worker.ready_timeout",
                what_it_should_have_done(worker ? worker->ready : config::ReadyByNotify{}));
        case Kind::crashed_in_soak:
            return fmt::format("{} {} {}{}", who(failure, worker), how(failure),
                               failure.soak && *failure.soak <= shortest_soak ? "right after it was ready"
                                                                              : "within reload.soak",
                               daemon_words(failure, worker));
        case Kind::exited_before_promotion:
            return fmt::format("{} {} before all workers were replaced", who(failure, worker), how(failure));
        case Kind::stopping: return "stopping";
    }
    std::abort();
}

}  // namespace sup
