#include "master/cli/orphans.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "common/unique_fd.h"
#include "master/cli/terminal.h"

namespace sup::cli {
namespace {

// What a killed process may take to be gone.
constexpr Duration grace_after_kill{10'000};

struct Orphan {
    LiveWorker worker;
    UniqueFd process;  // pidfd: means this process, whoever gets its number later
};

std::vector<Orphan> open_orphans(const std::vector<LiveWorker>& workers) {
    std::vector<Orphan> orphans;
    for (const auto& worker : workers) {
        if (UniqueFd process = open_process(worker.process)) orphans.push_back({worker, std::move(process)});
    }
    return orphans;
}

std::vector<LiveWorker> workers_of(const std::vector<Orphan>& orphans) {
    std::vector<LiveWorker> workers;
    for (const auto& orphan : orphans) workers.push_back(orphan.worker);
    return workers;
}

// A worker leads its group. Called while it lives, or right after its end, before its number can come round
// again.
void kill_group(const LiveWorker& worker) {
    ::kill(-worker.process.pid, SIGKILL);
}

// Waits until all have ended; those that have are let go of, with what is left of their groups. False: the
// deadline passed.
bool wait_for_all(std::vector<Orphan>& orphans, const control::Deadline& deadline) {
    while (!orphans.empty()) {
        if (!control::wait_readable(orphans.front().process.get(), deadline)) break;
        kill_group(orphans.front().worker);
        orphans.erase(orphans.begin());
    }
    // The first may be the only one that hangs.
    std::erase_if(orphans, [](const Orphan& orphan) {
        pollfd ended{orphan.process.get(), POLLIN, 0};
        if (::poll(&ended, 1, 0) <= 0) return false;
        kill_group(orphan.worker);
        return true;
    });
    return orphans.empty();
}

control::Deadline earlier(const control::Deadline& one, const control::Deadline& other) {
    if (!one || !other) return one ? one : other;
    return std::min(*one, *other);
}

// True when all have ended in their own time.
bool drain(std::vector<Orphan>& orphans, const LiveRecord& record, const control::Deadline& deadline) {
    print(describe_workers(workers_of(orphans)) + " of a master that is gone: told to drain\n");
    for (const auto& orphan : orphans) signal_process(orphan.process.get(), record.drain_signal);
    return wait_for_all(orphans, earlier(deadline, control::deadline_after(record.drain_timeout)));
}

bool kill_all(std::vector<Orphan>& orphans, const control::Deadline& deadline) {
    for (const auto& orphan : orphans) kill_group(orphan.worker);
    return wait_for_all(orphans, earlier(deadline, control::deadline_after(grace_after_kill)));
}

bool passed(const control::Deadline& deadline) {
    return deadline && std::chrono::steady_clock::now() >= *deadline;
}

}  // namespace

Result<Success, CommandError> end_orphans(const Found& instance, bool now,
                                          const control::Deadline& deadline) {
    auto directory = InstanceDirectory::claim(instance.runtime_directory, instance.name);
    if (!directory) return CommandError{ExitCode::failed, directory.error().message};

    auto orphans = open_orphans(instance.orphans);
    if (!now && !drain(orphans, instance.record.value_or(LiveRecord{}), deadline)) {
        const std::string names = describe_workers(workers_of(orphans));
        if (passed(deadline)) {
            return CommandError{ExitCode::timed_out,
                                names + " still drain, and no master is there to end them; `sup stop " +
                                    instance.name + " --now` does"};
        }
        print(names + " did not finish within the drain timeout: SIGKILL\n");
    }
    if (!kill_all(orphans, deadline)) {
        return CommandError{ExitCode::failed, describe_workers(workers_of(orphans)) + " cannot be ended"};
    }
    if (auto removed = directory->remove_all(); !removed)
        return CommandError{ExitCode::failed, removed.error().message};
    return Success{};
}

}  // namespace sup::cli
