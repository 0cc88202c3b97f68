#include "master/cli/orphans.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <future>
#include <memory>
#include <vector>

#include "tests/catch.h"
#include "tests/temporary_directory.h"

using namespace sup;
using namespace sup::cli;
using namespace std::chrono_literals;

namespace {

// A process in a group of its own, as a worker is; the other end of a pipe tells when all of its group have
// gone.
class FakeWorker {
public:
    FakeWorker(bool obstinate, bool with_child) {
        int ends[2] = {};
        REQUIRE(::pipe(ends) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::setpgid(0, 0);
            ::signal(SIGTERM, obstinate ? SIG_IGN : SIG_DFL);
            if (with_child && ::fork() == 0) ::signal(SIGTERM, SIG_IGN);
            if (::write(ends[1], "r", 1) != 1) ::_exit(1);
            while (true) ::pause();
        }
        ::close(ends[1]);
        group_alive_.reset(ends[0]);
        char byte = 0;
        for (int processes = with_child ? 2 : 1; processes > 0; --processes) {
            REQUIRE(::read(group_alive_.get(), &byte, 1) == 1);
        }
    }
    ~FakeWorker() {
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    FakeWorker(const FakeWorker&) = delete;
    FakeWorker& operator=(const FakeWorker&) = delete;

    LiveWorker record() const { return {*identify_process(pid_), 1, 0}; }
    bool alive() const { return identify_process(pid_).has_value(); }
    int ended_by() {
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
        return info.si_status;
    }
    bool group_ends() {
        char byte = 0;
        return control::wait_readable(group_alive_.get(), control::deadline_after(20s)) &&
               ::read(group_alive_.get(), &byte, 1) == 0;
    }

private:
    pid_t pid_ = -1;
    UniqueFd group_alive_;
};

Found instance_with(const test::TemporaryDirectory& directory, const std::vector<LiveWorker>& workers,
                    Duration drain_timeout) {
    REQUIRE(InstanceDirectory::claim(directory.path(), "hello").ok());
    LiveRecord record;
    record.boot_id = boot_id();
    record.drain_timeout = drain_timeout;
    record.workers = workers;
    const InstancePaths paths{directory.path(), "hello"};
    REQUIRE(write_live_record(paths.live_workers, record).ok());
    return look_at(directory.path(), "hello");
}

}  // namespace

TEST_CASE("orphans are told to drain, and their groups end with them") {
    const test::TemporaryDirectory directory;
    FakeWorker worker{false, true};
    FakeWorker bystander{false, false};
    const Found found = instance_with(directory, {worker.record()}, 30s);
    REQUIRE(found.orphans.size() == 1);
    CHECK(end_orphans(found, false, control::deadline_after(20s)).ok());
    CHECK(worker.ended_by() == SIGTERM);
    CHECK(worker.group_ends());
    CHECK(bystander.alive());
    CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("an orphan that does not drain is killed when its drain timeout is over") {
    const test::TemporaryDirectory directory;
    FakeWorker obstinate{true, false};
    FakeWorker willing{false, true};
    const Found found = instance_with(directory, {obstinate.record(), willing.record()}, 100ms);
    CHECK(end_orphans(found, false, control::deadline_after(20s)).ok());
    CHECK(obstinate.ended_by() == SIGKILL);
    CHECK(willing.ended_by() == SIGTERM);
    CHECK(willing.group_ends());
}

TEST_CASE("the group of an orphan ends with it, whoever else still drains") {
    const test::TemporaryDirectory directory;
    FakeWorker obstinate{true, false};
    FakeWorker willing{false, true};
    const Found found = instance_with(directory, {obstinate.record(), willing.record()}, 1h);
    auto ended = std::async(std::launch::async,
                            [&] { return end_orphans(found, false, control::deadline_after(60s)).ok(); });
    CHECK(willing.group_ends());
    CHECK(obstinate.alive());
    kill_group(obstinate.record().process);
    CHECK(ended.get());
}

TEST_CASE("a group is killed by its leader's number only while that number is the leader's") {
    FakeWorker worker{false, true};
    const ProcessIdentity leader = worker.record().process;
    kill_group({leader.pid, leader.start_time - 1});
    REQUIRE(::kill(leader.pid, SIGTERM) == 0);
    CHECK(worker.ended_by() == SIGTERM);  // of two signals that end a process the first does
    kill_group(leader);
    CHECK(worker.group_ends());
}

TEST_CASE("more orphans than a process may open descriptors at first are all ended") {
    const test::TemporaryDirectory directory;
    std::vector<std::unique_ptr<FakeWorker>> workers;
    std::vector<LiveWorker> records;
    for (int count = 0; count < 8; ++count) {
        workers.push_back(std::make_unique<FakeWorker>(false, false));
        records.push_back(workers.back()->record());
    }
    const Found found = instance_with(directory, records, 30s);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const UniqueFd next{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const rlimit tight{static_cast<rlim_t>(next.get()) + 5, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    const bool ended = end_orphans(found, false, control::deadline_after(20s)).ok();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(ended);
    for (const auto& worker : workers) CHECK_FALSE(worker->alive());
}

TEST_CASE("orphans are killed at once when told so") {
    const test::TemporaryDirectory directory;
    FakeWorker worker{true, true};
    const Found found = instance_with(directory, {worker.record()}, 1h);
    CHECK(end_orphans(found, true, control::deadline_after(20s)).ok());
    CHECK(worker.ended_by() == SIGKILL);
    CHECK(worker.group_ends());
}

TEST_CASE(
    "a timeout before the drain has ended leaves the orphans draining, and can be followed by another stop") {
    const test::TemporaryDirectory directory;
    FakeWorker worker{true, false};
    const Found found = instance_with(directory, {worker.record()}, 1h);
    const auto early = end_orphans(found, false, control::deadline_after(50ms));
    REQUIRE_FALSE(early.ok());
    CHECK(early.error().code == ExitCode::timed_out);
    CHECK(worker.alive());
    CHECK(end_orphans(look_at(directory.path(), "hello"), true, control::deadline_after(20s)).ok());
    CHECK_FALSE(worker.alive());
}

TEST_CASE("a process that only has an orphan's number is left alone") {
    const test::TemporaryDirectory directory;
    FakeWorker stranger{false, false};
    LiveWorker recorded = stranger.record();
    ++recorded.process.start_time;
    Found found = instance_with(directory, {recorded}, 30s);
    CHECK(found.orphans.empty());
    found.orphans = {recorded};  // as if it had been replaced between looking and signalling
    CHECK(end_orphans(found, true, control::deadline_after(20s)).ok());
    CHECK(stranger.alive());
}

TEST_CASE("orphans are not touched while a master holds the name") {
    const test::TemporaryDirectory directory;
    FakeWorker worker{false, false};
    const Found found = instance_with(directory, {worker.record()}, 30s);
    const auto master = InstanceDirectory::claim(directory.path(), "hello");
    REQUIRE(master.ok());
    const auto refused = end_orphans(found, true, control::deadline_after(20s));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ExitCode::failed);
    CHECK(worker.alive());
}
