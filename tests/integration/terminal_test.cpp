// What the terminal of `sup run` does to it, by itself and through wrappers.
#include <signal.h>

#include <chrono>
#include <thread>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"

namespace sup::test {
namespace {

// A wrapper that passes SIGINT on to its child, although the terminal has sent it to both.
constexpr const char* relay = R"(
import signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, lambda n, f: child.send_signal(n))
sys.exit(child.wait())
)";

// Starts something in the background of a session with a terminal, and waits for nothing but the terminal.
std::vector<std::string> in_background(const std::string& command) {
    return {"bash", "--norc", "-i", "-c", command + " & wait"};
}

InstanceStatus wait_until_up(Instance& instance) {
    REQUIRE(eventually([&] { return instance.sandbox()->sup({"status"}).exit_code == 0; }));
    const InstanceStatus now = instance.wait_until_settled();
    instance.set_master(now.pid);
    return now;
}

Child run_in_terminal(const Instance& instance, std::vector<std::string> argv) {
    Launch launch = instance.sandbox()->command({"status"});
    launch.argv = std::move(argv);
    launch.terminal = true;
    return Child(launch);
}

std::string sup_program(const Instance& instance) {
    return instance.sandbox()->command({"status"}).argv[0];
}

}  // namespace

TEST_CASE("one Ctrl-C under a wrapper that passes it on cuts no request") {
    Instance instance;
    write_file(instance.path("relay.py"), relay);
    Child foreground =
        run_in_terminal(instance, {"python3", instance.path("relay.py").string(), sup_program(instance),
                                   "run", instance.config_path().string()});
    const InstanceStatus now = wait_until_up(instance);
    HttpConnection slow(port_of(now.addresses[0]));
    slow.send(request("/sleep?ms=800"));
    CHECK(hello(port_of(now.addresses[0])).pid != 0);
    foreground.type("\x03");
    const Answer answer = slow.receive();
    INFO(answer.error);
    CHECK(answer.ok());
    CHECK(foreground.wait().exit_code == 0);
}

TEST_CASE("a terminal that is closed stops sup run, which drains, and reloads nothing") {
    Instance instance;
    Child foreground =
        run_in_terminal(instance, {sup_program(instance), "run", instance.config_path().string()});
    const InstanceStatus now = wait_until_up(instance);
    HttpConnection slow(port_of(now.addresses[0]));
    slow.send(request("/sleep?ms=500"));
    CHECK(hello(port_of(now.addresses[0])).pid != 0);
    foreground.close_terminal();
    CHECK(slow.receive().ok());
    CHECK(eventually([&] { return !proc::alive(instance.master()); }));
}

TEST_CASE("the SIGTERM that follows a closed terminal, as at the end of a session, cuts nobody's request") {
    Instance instance;
    Child foreground =
        run_in_terminal(instance, {sup_program(instance), "run", instance.config_path().string()});
    const InstanceStatus now = wait_until_up(instance);
    const pid_t master = instance.master();
    HttpConnection slow(port_of(now.addresses[0]));
    slow.send(request("/sleep?ms=800"));
    CHECK(hello(port_of(now.addresses[0])).pid != 0);
    foreground.close_terminal();
    instance.wait_for("stopping", [](const auto& status) { return status.state == "stopping"; });
    ::kill(master, SIGTERM);
    CHECK(slow.receive().ok());
    CHECK(eventually([&] { return !proc::alive(master); }));
}

TEST_CASE("a terminal that is closed while a stop drains does not cut it short") {
    Instance instance;
    Child foreground =
        run_in_terminal(instance, {sup_program(instance), "run", instance.config_path().string()});
    const InstanceStatus now = wait_until_up(instance);
    HttpConnection slow(port_of(now.addresses[0]));
    slow.send(request("/sleep?ms=2500"));
    CHECK(hello(port_of(now.addresses[0])).pid != 0);
    foreground.type("\x03");
    instance.wait_for("stopping", [](const auto& status) { return status.state == "stopping"; });
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // a second wish would count from here on
    foreground.close_terminal();
    CHECK(slow.receive().ok());
    CHECK(eventually([&] { return !proc::alive(instance.master()); }));
}

TEST_CASE("nohup sup run outlives its terminal, and is not reloaded by its end") {
    Instance instance;
    const std::string run = "nohup " + sup_program(instance) + " run " + instance.config_path().string();
    Child shell = run_in_terminal(
        instance, in_background(run + " > " + instance.path("out").string() + " 2>&1 < /dev/null"));
    wait_until_up(instance);
    shell.close_terminal();
    CHECK(eventually([&] { return !shell.running(); }));
    REQUIRE(::kill(instance.master(), SIGHUP) == 0);
    CHECK(instance.reload().exit_code == 0);  // the one reload that there is
    CHECK(instance.wait_until_settled().generations.front().number == 2);
    CHECK(instance.stop().exit_code == 0);
}

TEST_CASE("SIGHUP sent to a sup run whose terminal is still there is a reload") {
    Instance instance;
    Child foreground =
        run_in_terminal(instance, {sup_program(instance), "run", instance.config_path().string()});
    wait_until_up(instance);
    REQUIRE(::kill(instance.master(), SIGHUP) == 0);
    instance.wait_for("a reload", [](const auto& now) {
        return !now.generations.empty() && now.generations.front().number == 2;
    });
    CHECK(instance.stop().exit_code == 0);
}

}  // namespace sup::test
