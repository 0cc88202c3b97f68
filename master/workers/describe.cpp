#include "master/workers/describe.h"

#include <fmt/format.h>

#include <variant>

#include "common/signal_name.h"
#include "master/releases/generation.h"

namespace sup {
namespace {

std::string who(core::Slot slot, const std::optional<FailedWorker>& worker) {
    if (!worker) return fmt::format("worker {}", slot);
    const std::string of =
        fmt::format("worker {} of generation {}", slot, static_cast<std::uint32_t>(worker->generation));
    return worker->pid == 0 ? of : fmt::format("{} (pid {})", of, worker->pid);
}

// A main process that exits by itself while others of its worker live has gone into the background.
std::string daemon_words(const core::ExitStatus& status, const std::optional<FailedWorker>& worker) {
    if (!worker || worker->left_behind.empty() || status.signalled) return {};
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

class InWords {
public:
    explicit InWords(const std::optional<FailedWorker>& worker) : worker_(worker) {}

    std::string operator()(const core::failure::PrepareFailed& why) const { return why.detail; }
    std::string operator()(const core::failure::ConfigurationError& why) const { return why.detail; }
    std::string operator()(const core::failure::SpawnFailed& why) const {
        return fmt::format("{} could not be started: {}", who(why.slot, worker_), why.detail);
    }
    std::string operator()(const core::failure::ExitedBeforeReady& why) const {
        return fmt::format("{} {} before it was ready{}", who(why.slot, worker_), describe(why.status),
                           daemon_words(why.status, worker_));
    }
    std::string operator()(const core::failure::ReadyTimeout& why) const {
        return fmt::format(
            "{} was not ready within {}: it never {} (for a worker that cannot, set "
            "worker.ready to a duration)",
            who(why.slot, worker_),
            worker_ ? format_duration(worker_->ready_timeout) : "worker.ready_timeout",
            what_it_should_have_done(worker_ ? worker_->ready : config::ReadyByNotify{}));
    }
    std::string operator()(const core::failure::CrashedInSoak& why) const {
        return fmt::format("{} {} {}{}", who(why.slot, worker_), describe(why.status),
                           why.soak <= shortest_soak ? "right after it was ready" : "within reload.soak",
                           daemon_words(why.status, worker_));
    }
    std::string operator()(const core::failure::ExitedBeforePromotion& why) const {
        return fmt::format("{} {} before all workers were replaced", who(why.slot, worker_),
                           describe(why.status));
    }
    std::string operator()(const core::failure::OutOfReach& why) const {
        return fmt::format("{}: {}", who(why.slot, worker_), why.detail);
    }
    std::string operator()(const core::failure::Stopping&) const { return "stopping"; }

private:
    const std::optional<FailedWorker>& worker_;
};

}  // namespace

std::string describe(const core::ExitStatus& status) {
    return status.signalled ? "was killed by " + numbered_signal(status.code)
                            : fmt::format("exited with code {}", status.code);
}

std::string describe(const core::Failure& failure, const std::optional<FailedWorker>& worker) {
    return std::visit(InWords(worker), failure);
}

}  // namespace sup
