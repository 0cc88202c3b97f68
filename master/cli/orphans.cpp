#include "master/cli/orphans.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/unique_fd.h"
#include "master/cli/terminal.h"
#include "master/spawn/descriptor_limit.h"

namespace sup::cli {
namespace {

// What a killed process may take to be gone.
constexpr Duration grace_after_kill{10'000};

struct Orphan {
    LiveWorker worker;
    UniqueFd process;  // pidfd: means this process, whoever gets its number later
};

Result<std::vector<Orphan>> open_orphans(const std::vector<LiveWorker>& workers) {
    // One descriptor for each; what cannot be raised shows below.
    [[maybe_unused]] const auto raised = raise_descriptor_limit();
    std::vector<Orphan> orphans;
    for (const auto& worker : workers) {
        UniqueFd process = open_process(worker.process);
        const int error_number = errno;
        if (process) {
            orphans.push_back({worker, std::move(process)});
        } else if (identify_process(worker.process.pid) == worker.process) {
            return errno_error("cannot watch worker " + std::to_string(worker.process.pid), error_number);
        }
    }
    return orphans;
}

std::vector<LiveWorker> workers_of(const std::vector<Orphan>& orphans) {
    std::vector<LiveWorker> workers;
    for (const auto& orphan : orphans) workers.push_back(orphan.worker);
    return workers;
}

// Waits until all have ended. Each is let go of as soon as it has, with what is left of its group: whoever
// waited longer might meet another group under its number. False: the deadline passed.
bool wait_for_all(std::vector<Orphan>& orphans, const control::Deadline& deadline) {
    while (!orphans.empty()) {
        std::vector<pollfd> watched;
        for (const auto& orphan : orphans) watched.push_back({orphan.process.get(), POLLIN, 0});
        if (!control::wait_for_any(watched, deadline)) return false;
        std::vector<Orphan> left;
        for (std::size_t index = 0; index < orphans.size(); ++index) {
            if (watched[index].revents == 0) {
                left.push_back(std::move(orphans[index]));
            } else {
                kill_group(orphans[index].worker.process);
            }
        }
        orphans = std::move(left);
    }
    return true;
}

// True when all have ended in their own time.
bool drain(std::vector<Orphan>& orphans, const LiveRecord& record, const control::Deadline& deadline) {
    print(describe_workers(workers_of(orphans)) + " of a master that is gone: told to drain\n");
    for (const auto& orphan : orphans) signal_process(orphan.process.get(), record.drain_signal);
    return wait_for_all(orphans, control::earlier(deadline, control::deadline_after(record.drain_timeout)));
}

bool kill_all(std::vector<Orphan>& orphans, const control::Deadline& deadline) {
    for (const auto& orphan : orphans) {
        kill_group(orphan.worker.process);
        signal_process(orphan.process.get(), SIGKILL);  // it may have left its group
    }
    return wait_for_all(orphans, control::earlier(deadline, control::deadline_after(grace_after_kill)));
}

}  // namespace

void kill_group(const ProcessIdentity& leader) {
    if (leader.pid <= 1) return;  // kill(2) takes -1 for every process there is
    // A number is not given to a new process while a group has it: if another process has it now, nothing is
    // left of the group.
    const auto holder = identify_process(leader.pid);
    if (holder && *holder != leader) return;
    ::kill(-leader.pid, SIGKILL);
}

Result<Success, CommandError> end_orphans(const Found& instance, bool now,
                                          const control::Deadline& deadline) {
    auto directory = InstanceDirectory::claim(instance.runtime_directory, instance.name);
    if (!directory) return CommandError{ExitCode::failed, directory.error().message};

    // What was seen before the claim may have been anybody's.
    auto read = read_live_record(directory->paths().live_workers);
    if (!read) return CommandError{ExitCode::failed, read.error().message};
    const LiveRecord record = read->value_or(LiveRecord{});
    auto opened = open_orphans(still_alive(record));
    if (!opened) return CommandError{ExitCode::failed, opened.error().message};
    std::vector<Orphan> orphans = std::move(*opened);
    if (!now && !orphans.empty() && !drain(orphans, record, deadline)) {
        const std::string names = describe_workers(workers_of(orphans));
        if (control::has_passed(deadline)) {
            return CommandError{ExitCode::timed_out,
                                names + (orphans.size() == 1 ? " still drains" : " still drain") +
                                    ", and there is no master to end them; `sup stop " + instance.name +
                                    " --now` does"};
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
