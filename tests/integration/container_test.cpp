// sup run as the first process of a container.
#include <signal.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

bool can_make_pid_namespaces() {
    return !unshare().empty() && run({.argv = {unshare(), "-pf", "--mount-proc", "true"}}).exit_code == 0;
}

}  // namespace

TEST_CASE("as PID 1 sup run serves, reaps orphans, reloads, and ends in order at SIGTERM") {
    if (!can_make_pid_namespaces()) return skip("this machine does not let us make a PID namespace");
    Instance instance{{.command = {"./worker-with-orphan"}}};
    install_script("(setsid sh -c 'sleep 0.3; touch orphan-has-ended' &)\nexec ./worker",
                   instance.path("worker-with-orphan"));
    Launch launch = instance.sandbox()->command({"run", instance.config_path().string()});
    launch.argv.insert(launch.argv.begin(), {unshare(), "-pf", "--mount-proc", "--kill-child"});
    Child container(launch);
    REQUIRE(eventually(
        [&] { return !container.running() || instance.sandbox()->sup({"status"}).exit_code == 0; }));
    REQUIRE(container.running());
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(now.pid == 1);
    const auto inside = proc::children(container.pid());
    REQUIRE(inside.size() == 1);
    const pid_t master = inside[0];
    const std::uint16_t port = port_of(now.addresses[0]);
    CHECK(hello(port).parent == 1);

    REQUIRE(eventually([&] { return std::filesystem::exists(instance.path("orphan-has-ended")); }));
    const auto only_workers = [&] {
        const auto children = proc::children(master);
        return children.size() == 2 && std::all_of(children.begin(), children.end(), proc::alive);
    };
    CHECK(eventually(only_workers));
    CHECK(instance.reload({"--drained"}).exit_code == 0);
    CHECK(hello(port).generation == 2);
    CHECK(eventually(only_workers));

    HttpConnection slow(port);
    slow.send(request("/sleep?ms=500"));
    CHECK(hello(port).generation == 2);
    REQUIRE(::kill(master, SIGTERM) == 0);
    CHECK(slow.receive().ok());
    const Outcome ended = container.wait();
    INFO(ended.text());
    CHECK(ended.exit_code == 0);
}

}  // namespace sup::test
