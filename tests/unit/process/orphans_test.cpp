// Whose a process is, and what it costs to find that out.
#include "master/process/orphans.h"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

namespace {

// What a process that runs `program` is, once there is one below `ancestor`.
ProcessStat wait_for_descendant(pid_t ancestor, std::size_t count = 1) {
    std::vector<ProcessStat> found;
    REQUIRE(wait_until([&] {
        found = descendants_of(ancestor);
        return found.size() == count;
    }));
    return found.back();
}

// One that has left its worker's session, and whose parent has ended: this process's child.
ProcessStat wait_for_orphan(pid_t worker) {
    std::optional<ProcessStat> orphan;
    REQUIRE(wait_until([&] {
        for (const ProcessStat& child : children_of(::getpid())) {
            if (child.pid != worker && !child.ended && child.session != ::getsid(0) &&
                child.session != worker)
                orphan = child;
        }
        return orphan.has_value();
    }));
    return *orphan;
}

void end(const ProcessStat& process) {
    ::kill(process.pid, SIGKILL);
    wait_for_exit(process.pid);
}

// Ends and reaps, at last, whatever a test has inherited.
class Heir {
public:
    Heir() = default;
    ~Heir() {
        for (auto left = children_of(::getpid()); !left.empty(); left = children_of(::getpid())) end(left[0]);
    }
    Heir(const Heir&) = delete;
    Heir& operator=(const Heir&) = delete;

private:
    Subreaper subreaper_;
};

struct Siblings {
    std::vector<pid_t> pids;
    Orphans orphans{[this] { return pids; }};
};

}  // namespace

TEST_CASE("what a worker started is its own, also when it has a session of its own") {
    const Spawned worker(command({"/bin/sh", "-c", "setsid sh -c 'sleep 1000; :' & wait"}));
    const WorkerMarks marks{.pid = worker.pid(), .notify_socket = {}};
    Siblings all{{worker.pid()}};
    const ProcessStat deepest = wait_for_descendant(worker.pid(), 2);
    CHECK(all.orphans.belongs_to(deepest, marks));
    CHECK(all.orphans.belongs_to(*process_stat(worker.pid()), marks));
    CHECK(all.orphans.processes_of(marks).size() == 3);
    ::kill(-deepest.group, SIGKILL);
}

TEST_CASE("who is started by nobody of the worker is not its own, whoever's user it is") {
    const Spawned worker(command({"/bin/sleep", "1000"}));
    const Spawned other(command({"/bin/sleep", "1000"}));
    const WorkerMarks marks{.pid = worker.pid(), .notify_socket = "/run/notify.1"};
    Siblings all{{worker.pid()}};
    CHECK_FALSE(all.orphans.belongs_to(*process_stat(other.pid()), marks));
    CHECK_FALSE(all.orphans.belongs_to(*process_stat(::getpid()), marks));
    CHECK_FALSE(all.orphans.belongs_to(*process_stat(::getppid()), marks));
    CHECK(all.orphans.processes_of(marks).size() == 1);
}

TEST_CASE("an orphan in a session of its own is known by its environment") {
    const Heir heir;
    Command program = command({"/bin/sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & exec sleep 0"});
    program.environment.emplace_back("NOTIFY_SOCKET=/run/notify.1");
    const Spawned worker(program);
    const ProcessStat orphan = wait_for_orphan(worker.pid());
    Siblings all{{worker.pid()}};
    const auto is_of = [&](const std::string& socket) {
        return all.orphans.belongs_to(orphan, {.pid = worker.pid(), .notify_socket = socket});
    };
    CHECK(is_of("/run/notify.1"));
    CHECK_FALSE(is_of("/run/notify.11"));
    CHECK_FALSE(is_of(""));
    end(orphan);
}

TEST_CASE("an orphan in a session of its own, without an environment, is known by the output that it holds") {
    const Heir heir;
    const Pipe output = make_pipe();
    const Spawned worker(command({"/bin/sh", "-c", "setsid env -i sleep 1000 & exec sleep 0"}),
                         output.writer.get());
    const ProcessStat orphan = wait_for_orphan(worker.pid());
    Siblings all{{worker.pid()}};
    const auto is_of = [&](FileId pipe) {
        return all.orphans.belongs_to(
            orphan, {.pid = worker.pid(), .notify_socket = "/run/notify.1", .output_pipes = {pipe}});
    };
    const FileId pipe = *file_id(output.writer.get());
    CHECK(is_of(pipe));
    CHECK_FALSE(is_of({pipe.device, pipe.inode + 1}));
    // Another filesystem's inode may have the same number.
    CHECK_FALSE(is_of({pipe.device + 1, pipe.inode}));
    end(orphan);
}

TEST_CASE("an orphan that names another worker is that one's, also with this one's output") {
    const Heir heir;
    const Pipe output = make_pipe();
    Command program = command({"/bin/sh", "-c", "setsid sleep 1000 & exec sleep 0"});
    program.environment.emplace_back("NOTIFY_SOCKET=/run/notify.2");
    const Spawned worker(program, output.writer.get());
    const ProcessStat orphan = wait_for_orphan(worker.pid());
    Siblings all{{worker.pid()}};
    const FileId pipe = *file_id(output.writer.get());
    const WorkerMarks ended{.pid = 0, .notify_socket = "/run/notify.1", .output_pipes = {pipe}};
    CHECK_FALSE(all.orphans.belongs_to(orphan, ended));
    CHECK(all.orphans.left_by(ended, {}).empty());
    end(orphan);
}

TEST_CASE("a worker that holds an ended one's output, and what is below it, is not left by that one") {
    const Heir heir;
    const Pipe output = make_pipe();
    const Spawned sibling(command({"/bin/sh", "-c", "setsid env -i sleep 1000 & wait"}), output.writer.get());
    wait_for_descendant(sibling.pid());
    Siblings all{{sibling.pid()}};
    const WorkerMarks ended{.pid = 0, .output_pipes = {*file_id(output.writer.get())}};
    CHECK(all.orphans.left_by(ended, [](const ProcessStat&) { return true; }).empty());
    CHECK_FALSE(all.orphans.belongs_to(*process_stat(sibling.pid()), ended));
    for (const ProcessStat& one : descendants_of(sibling.pid())) ::kill(one.pid, SIGKILL);
}

TEST_CASE("the end of a worker costs nothing for what its siblings have opened") {
    const Heir heir;
    const Pipe output = make_pipe();
    std::vector<std::unique_ptr<Spawned>> workers;
    Siblings all;
    for (int i = 0; i < 4; ++i) {
        workers.push_back(
            std::make_unique<Spawned>(command({"/bin/sh", "-c", "sleep 1000 & wait"}), output.writer.get()));
        all.pids.push_back(workers.back()->pid());
        wait_for_descendant(all.pids.back());
    }
    const WorkerMarks ended{.pid = 0, .notify_socket = "/run/notify.1", .output_pipes = {{1, 1}}};
    for (int i = 0; i < 100; ++i) CHECK(all.orphans.left_by(ended, {}).empty());
    CHECK(all.orphans.descriptors_looked_at() == 0);
}

TEST_CASE("what an orphan has opened is looked at up to a bound, and once for all exits of a moment") {
    const Heir heir;
    std::vector<UniqueFd> many;
    for (int i = 0; i < 600; ++i) many.emplace_back(::dup(STDIN_FILENO));  // not close-on-exec
    const Spawned worker(
        command({"/bin/sh", "-c", "setsid env -i sleep 1000 >/dev/null 2>&1 & exec sleep 0"}));
    const ProcessStat orphan = wait_for_orphan(worker.pid());
    many.clear();
    Siblings all{{worker.pid()}};
    for (pid_t pid = 1; pid <= 32; ++pid) {
        const WorkerMarks ended{
            .pid = 0, .notify_socket = {}, .output_pipes = {{1, static_cast<ino_t>(pid)}}};
        CHECK(all.orphans.left_by(ended, {}).empty());
    }
    // A slow machine looks again, every 100 ms.
    CHECK(all.orphans.descriptors_looked_at() <= 8 * (most_descriptors_looked_at + 1));
    end(orphan);
}

TEST_CASE("who was seen to be a worker's is its own still when nothing tells it any more") {
    const Heir heir;
    const Spawned worker(command({"/bin/sh", "-c", "setsid env -i sleep 1000 >/dev/null 2>&1 & wait"}));
    const ProcessStat child = wait_for_descendant(worker.pid());
    REQUIRE(wait_until([&] { return process_stat(child.pid)->session == child.pid; }));
    Siblings all{{worker.pid()}};
    WorkerMarks marks{.pid = worker.pid(), .notify_socket = "/run/notify.1"};
    marks.seen = all.orphans.processes_of(marks);
    const WorkerMarks unseen{.pid = worker.pid(), .notify_socket = "/run/notify.1"};
    ::kill(worker.pid(), SIGKILL);
    const ProcessStat orphan = wait_for_orphan(worker.pid());
    CHECK(orphan.pid == child.pid);
    CHECK(all.orphans.belongs_to(orphan, marks));
    CHECK_FALSE(all.orphans.belongs_to(orphan, unseen));
    end(orphan);
}
