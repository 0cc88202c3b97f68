// The ways to stop an instance.
#include <signal.h>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

std::vector<HttpConnection> fifty_requests(std::uint16_t port) {
    std::vector<HttpConnection> waiting;
    for (int i = 0; i < 50; ++i) {
        waiting.emplace_back(port);
        waiting.back().send(request("/"));
    }
    return waiting;
}

}  // namespace

TEST_CASE("a stop serves the accept queue first") {
    Instance instance;
    instance.start();
    const auto pids = instance.worker_pids();
    for (const pid_t pid : pids) ::kill(pid, SIGSTOP);
    for (const pid_t pid : pids) REQUIRE(eventually([&] { return proc::stat(pid)->state == 'T'; }));
    auto waiting = fifty_requests(instance.port());
    Child stopper(instance.sandbox()->command({"stop"}));
    instance.wait_for("stopping", [](const auto& now) { return now.state == "stopping"; });
    for (const pid_t pid : pids) ::kill(pid, SIGCONT);
    for (auto& connection : waiting) {
        const Answer answer = connection.receive();
        INFO(answer.error);
        CHECK(answer.ok());
    }
    CHECK(stopper.wait().exit_code == 0);
    CHECK(!proc::alive(instance.master()));
}

TEST_CASE("a stop lets a request under way finish and closes idle connections in order") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    HttpConnection idle(port);
    idle.send(request("/", true));
    REQUIRE(idle.receive().ok());
    HttpConnection slow(port);
    slow.send(request("/sleep?ms=2000"));
    CHECK(hello(port).pid != 0);
    Child stopper(instance.sandbox()->command({"stop"}));
    CHECK(slow.receive().ok());
    CHECK(idle.ends_in_order());
    CHECK(stopper.wait().exit_code == 0);
    CHECK(get(port).error == "connect: Connection refused");
}

TEST_CASE("a stop waits for no idle connection of a worker that drains since a reload") {
    // An hour: ending at all shows that nobody waited for it.
    Instance instance{{.drain_timeout = "1h"}};
    instance.start();
    HttpConnection idle(instance.port());
    idle.send(request("/", true));
    REQUIRE(idle.receive().ok());
    // The next generation does not speak the channel, so nobody takes the connection over.
    instance.config.command = {"env", "-u", "SUP_INSTANCE", "./worker"};
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    CHECK(instance.status().generations.size() == 2);
    const Outcome stopped = instance.stop();
    INFO(stopped.text());
    CHECK(stopped.exit_code == 0);
    CHECK(idle.ends_in_order());
}

TEST_CASE("while a stop waits for a request under way, whoever comes is refused at once") {
    Instance instance{{.drain_timeout = "1h"}};
    instance.start();
    const std::uint16_t port = instance.port();
    HttpConnection upload(port);
    upload.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nab");
    REQUIRE(eventually([&] { return upload.readable(); }));  // its answer has begun
    Child stop(instance.sandbox()->command({"stop"}));
    CHECK(eventually([&] { return HttpConnection(port).error().find("refused") != std::string::npos; }));
    upload.send("cd");
    const Answer answer = upload.receive();
    INFO(answer.error);
    CHECK(answer.body == "abcd");
    CHECK(stop.wait().exit_code == 0);
}

TEST_CASE("SIGTERM, SIGQUIT and SIGINT to the master drain everything and end it") {
    const int signal_number = GENERATE(SIGTERM, SIGQUIT, SIGINT);
    Instance instance;
    Child foreground(instance.sandbox()->command({"run", instance.config_path().string()}));
    REQUIRE(eventually([&] { return instance.sandbox()->sup({"status"}).exit_code == 0; }));
    const InstanceStatus now = instance.wait_until_settled();
    HttpConnection slow(port_of(now.addresses[0]));
    slow.send(request("/sleep?ms=500"));
    CHECK(hello(port_of(now.addresses[0])).pid != 0);
    foreground.signal(signal_number);
    CHECK(slow.receive().ok());
    const Outcome ended = foreground.wait();
    INFO(ended.text());
    CHECK(ended.exit_code == 0);
    CHECK(ended.signal == 0);
}

TEST_CASE("Ctrl-C at sup run drains: the request under way is answered") {
    Instance instance;
    Launch launch = instance.sandbox()->command({"run", instance.config_path().string()});
    launch.terminal = true;
    Child foreground(launch);
    REQUIRE(eventually(
        [&] { return foreground.running() && instance.sandbox()->sup({"status"}).exit_code == 0; }));
    const InstanceStatus now = instance.wait_until_settled();
    HttpConnection slow(port_of(now.addresses[0]));
    slow.send(request("/sleep?ms=1000"));
    CHECK(hello(port_of(now.addresses[0])).pid != 0);
    foreground.type("\x03");
    const Answer answer = slow.receive();
    INFO(answer.error);
    CHECK(answer.ok());
    const Outcome ended = foreground.wait();
    INFO(ended.text());
    CHECK(ended.exit_code == 0);
    CHECK(ended.signal == 0);
}

TEST_CASE("a second stop kills at once what still drains") {
    const bool by_signal = GENERATE(false, true);
    // An hour: ending at all shows that nobody waited for it.
    Instance instance{{.command = {"./worker", "--ignore-drain"}, .drain_timeout = "1h"}};
    instance.start();
    const auto pids = instance.worker_pids();
    Child first(instance.sandbox()->command({"stop"}));
    instance.wait_for("stopping", [](const auto& now) { return now.state == "stopping"; });
    if (by_signal) {
        REQUIRE(::kill(instance.master(), SIGTERM) == 0);
    } else {
        const Outcome second = instance.stop();
        INFO(second.text());
        CHECK(second.exit_code == 0);
    }
    CHECK(first.wait().exit_code == 0);
    for (const pid_t pid : pids) CHECK(!proc::alive(pid));
    CHECK(eventually([&] { return !proc::alive(instance.master()); }));
}

TEST_CASE("a stop whose master is killed meanwhile ends the workers by itself") {
    Instance instance{{.command = {"./worker", "--ignore-drain"}, .drain_timeout = "1s"}};
    instance.start();
    const auto pids = instance.worker_pids();
    Child stop(instance.sandbox()->command({"stop"}));
    instance.wait_for("stopping", [](const auto& now) { return now.state == "stopping"; });
    REQUIRE(::kill(instance.master(), SIGKILL) == 0);
    const Outcome stopped = stop.wait();
    INFO(stopped.text());
    CHECK(stopped.exit_code == 0);
    CHECK(stopped.out.find("of a master that is gone") != std::string::npos);
    for (const pid_t pid : pids) CHECK(!proc::alive(pid));
    CHECK(instance.sandbox()->sup({"status"}).exit_code == 3);
}

TEST_CASE("sup stop --now kills at once") {
    Instance instance{{.command = {"./worker", "--ignore-drain"}, .drain_timeout = "1h"}};
    instance.start();
    const Outcome stopped = instance.stop({"--now"});
    INFO(stopped.text());
    CHECK(stopped.exit_code == 0);
    CHECK(!proc::alive(instance.master()));
}

TEST_CASE("sup stop ends an instance whose control socket is gone, and without --now lets it drain") {
    const bool now = GENERATE(false, true);
    Instance instance{{.count = 1}};
    instance.start();
    HttpConnection open(instance.port());
    open.send("POST /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab");
    CHECK(hello(instance.port()).generation == 1);
    std::filesystem::remove(instance.folder() / "control.sock");
    Child stopper(
        instance.sandbox()->command(now ? std::vector<std::string>{"stop", instance.config.name, "--now"}
                                        : std::vector<std::string>{"stop", instance.config.name}));
    if (!now) {
        CHECK(eventually([&] { return instance.log().find("SIGTERM: stop") != std::string::npos; }));
        CHECK(stopper.running());
        open.send("cd");
        CHECK(open.receive().body == "abcd");
    }
    const Outcome stopped = stopper.wait();
    INFO(stopped.text());
    CHECK(stopped.exit_code == 0);
    CHECK(!proc::alive(instance.master()));
}

TEST_CASE("sup stop --timeout gives exit code 4 when the drain takes longer, and the stop goes on") {
    Instance instance{{.command = {"./worker", "--ignore-drain"}, .drain_timeout = "4s"}};
    instance.start();
    const Outcome early = instance.stop({"--timeout", "200ms"});
    INFO(early.text());
    CHECK(early.exit_code == 4);
    CHECK(eventually([&] { return !proc::alive(instance.master()); }));
}

}  // namespace sup::test
