// A master that is killed takes nobody with it.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

TEST_CASE("workers that print up to 1 MiB while the master is killed neither die nor hang") {
    Instance instance{{.command = {"./printer"}, .ready = "50ms"}};
    // Some output before the master dies, nearly a pipe's worth after it, on both streams.
    install_script(
        "echo begun\n"
        "until [ -e print ]; do sleep 0.02; done\n"
        "head -c 1040000 /dev/zero | tr '\\0' x\n"
        "head -c 1040000 /dev/zero | tr '\\0' x >&2\n"
        "touch done$SUP_SLOT\n"
        "exec sleep 1000",
        instance.path("printer"));
    instance.start();
    REQUIRE(eventually([&] { return instance.log().find("begun") != std::string::npos; }));
    const auto pids = instance.worker_pids();
    REQUIRE(::kill(instance.master(), SIGKILL) == 0);
    REQUIRE(eventually([&] { return !proc::alive(instance.master()); }));
    write_file(instance.path("print"), "");
    for (const char* name : {"done0", "done1"}) {
        CHECK(eventually([&] { return std::filesystem::exists(instance.path(name)); }));
    }
    for (const pid_t pid : pids) CHECK(proc::alive(pid));
    CHECK(instance.stop().exit_code == 0);
}

TEST_CASE("a master killed in the middle of its workers' printing does not kill them") {
    Instance instance{{.command = {"./printer"}, .ready = "50ms"}};
    install_script(
        "i=0\nwhile [ $i -lt 800 ]; do echo line $i; i=$((i + 1)); [ $i != 100 ] || sleep 0.2; done\n"
        "touch done$SUP_SLOT\nexec sleep 1000",
        instance.path("printer"));
    instance.start();
    const auto pids = instance.worker_pids();
    REQUIRE(::kill(instance.master(), SIGKILL) == 0);
    for (const char* name : {"done0", "done1"}) {
        CHECK(eventually([&] { return std::filesystem::exists(instance.path(name)); }));
    }
    for (const pid_t pid : pids) CHECK(proc::alive(pid));
    CHECK(instance.stop().exit_code == 0);
}

TEST_CASE("a master killed while it spawns leaves no worker that stop does not end") {
    Instance instance{{.command = {"./killer"}, .count = 20, .ready = "50ms"}};
    install_script("[ $SUP_SLOT != 0 ] || kill -9 $PPID\nexec sleep 1000", instance.path("killer"));
    CHECK(instance.try_start().exit_code == 1);
    const auto workers = instance.sandbox()->processes();
    REQUIRE_FALSE(workers.empty());
    CHECK(eventually([&] {
        const std::string text = instance.sandbox()->sup({"status", instance.config.name}).text();
        return std::ranges::all_of(
            workers, [&](pid_t pid) { return text.find(std::to_string(pid)) != std::string::npos; });
    }));
    CHECK(instance.stop().exit_code == 0);
    CHECK(instance.sandbox()->processes().empty());
}

}  // namespace sup::test
