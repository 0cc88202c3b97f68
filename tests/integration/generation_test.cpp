// Promise 4: a generation is immutable.
#include <signal.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace fs = std::filesystem;

namespace {

// Kills the only worker and waits for the one that replaces it.
pid_t replace_worker(const Instance& instance) {
    const pid_t old = instance.worker_pids().at(0);
    ::kill(old, SIGKILL);
    const auto now = instance.wait_for("a replacement", [old](const InstanceStatus& s) {
        return s.settled() && s.generations[0].pids().at(0) != old;
    });
    return now.generations[0].pids().at(0);
}

}  // namespace

TEST_CASE("a crashed worker comes back as its own generation's binary, and a reload brings the new one") {
    Instance instance{{.count = 1}};
    instance.start();
    const std::uint16_t port = instance.port();
    const std::string version = hello(port).version;
    install_copy(hello_worker_v2(), instance.worker_path());

    const pid_t replacement = replace_worker(instance);
    const Hello after_crash = hello(port);
    CHECK(after_crash.pid == replacement);
    CHECK(after_crash.version == version);
    CHECK(after_crash.generation == 1);

    REQUIRE(instance.reload().exit_code == 0);
    CHECK(hello(port).version != version);
    CHECK(hello(port).generation == 2);
}

TEST_CASE("a crashed worker comes back even when its binary is gone from the disk") {
    Instance instance{{.count = 1}};
    instance.start();
    fs::remove(instance.worker_path());
    const pid_t replacement = replace_worker(instance);
    CHECK(hello(instance.port()).pid == replacement);
}

TEST_CASE("a crashed worker comes back with its own generation's arguments, environment and directory") {
    Instance instance{{.command = {"./worker", "--version-string", "one"},
                       .count = 1,
                       .cwd = "current",
                       .env = {{"A", "1"}}}};
    for (const char* name : {"release-1", "release-2"}) fs::create_directory(instance.path(name));
    fs::create_directory_symlink("release-1", instance.path("current"));
    instance.start();

    instance.config.command = {"./worker", "--version-string", "two"};
    instance.config.env = {{"A", "2"}};
    instance.write_config();
    fs::create_directory_symlink("release-2", instance.path("current.new"));
    fs::rename(instance.path("current.new"), instance.path("current"));

    const pid_t replacement = replace_worker(instance);
    CHECK(hello(instance.port()).version == "one");
    CHECK(proc::variable(replacement, "A") == "1");
    CHECK(proc::link(replacement, "cwd") == fs::canonical(instance.path("release-1")));

    REQUIRE(instance.reload().exit_code == 0);
    const Hello after = hello(instance.port());
    CHECK(after.version == "two");
    CHECK(proc::variable(after.pid, "A") == "2");
    CHECK(proc::link(after.pid, "cwd") == fs::canonical(instance.path("release-2")));
}

TEST_CASE("the status tells a pinned binary from a script that is not") {
    Instance instance{{.count = 1}};
    instance.start();
    InstanceStatus now = instance.status();
    CHECK(now.active()->pinned);
    CHECK(now.active()->executable == instance.worker_path());

    instance.config.command = {"./script"};
    install_script("exec ./worker", instance.path("script"));
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    now = instance.status();
    CHECK(!now.active()->pinned);
    CHECK(now.active()->executable == instance.path("script"));
}

TEST_CASE(
    "a binary overwritten in place is run as it is then, with a warning, and the slot is not left empty") {
    // Writing over a file that runs is ETXTBSY, so this takes a moment without workers: while one waits to be
    // restarted.
    Instance instance{{.count = 1, .min_uptime = "1h", .backoff_min = "3s"}};
    instance.start();
    const pid_t old = instance.worker_pids().at(0);
    ::kill(old, SIGKILL);
    REQUIRE(eventually([&] { return !proc::alive(old); }));
    fs::copy_file(hello_worker_v2(), instance.worker_path(), fs::copy_options::overwrite_existing);
    instance.wait_until_settled();
    CHECK(instance.log().find("was changed in place since its generation was made") != std::string::npos);
    CHECK(hello(instance.port()).version == "2");
    CHECK(instance.sandbox()->sup({"status", "--json"}).out.find("\"changed\": true") != std::string::npos);

    REQUIRE(instance.reload().exit_code == 0);
    CHECK(hello(instance.port()).generation == 2);
    CHECK(instance.sandbox()->sup({"status", "--json"}).out.find("\"changed\": false") != std::string::npos);
}

}  // namespace sup::test
