#include "master/spawn/process_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

TEST_CASE("the smallest limit of a cgroup and those above it is named, with what is used of it") {
    const TemporaryDirectory mount;
    const std::string path = mount.path();
    std::filesystem::create_directories(path + "/a/b");
    std::filesystem::create_directories(path + "/pids/c");
    write_file(path + "/a/pids.max", "7\n");
    write_file(path + "/a/pids.current", "6\n");
    write_file(path + "/a/b/pids.max", "max\n");
    write_file(path + "/pids/c/pids.max", "9\n");
    CHECK(cgroup_limit("0::/a/b\n", path) == "the cgroup " + path + "/a may have 7 (pids.max) and has 6");
    CHECK(cgroup_limit("3:cpu:/x\n2:pids:/c\n0::/\n", path) ==
          "the cgroup " + path + "/pids/c may have 9 (pids.max)");
    CHECK(cgroup_limit("0::/none\n", path).empty());
    CHECK(cgroup_limit("", path).empty());
}

TEST_CASE("a process that cannot be started names the limits that it may be") {
    const std::string text = as_nobody([] {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_NPROC, &none);
        const auto spawned = spawn(command({"/bin/true"}).request(STDOUT_FILENO, STDERR_FILENO));
        return spawned ? std::string("it started") : spawned.error().message;
    });
    INFO(text);
    CHECK(text.find("cannot start a process") != std::string::npos);
    CHECK(text.find("may have 0 processes and threads (RLIMIT_NPROC") != std::string::npos);
    CHECK(text.find("kernel.pid_max") != std::string::npos);
    CHECK(limits_in_the_way(ENOMEM).find("memory") != std::string::npos);
    CHECK(limits_in_the_way(EPERM).empty());
}
