// Listeners with a socket for each slot, which pass from each worker to the next one in its slot.
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/load.h"

namespace sup::test {

namespace {

Config with_slots(int count) {
    return {.listen_keys = R"({"reuseport": true})", .count = count};
}

bool kernel_migrates() {
    std::ifstream sysctl("/proc/sys/net/ipv4/tcp_migrate_req");
    int value = 0;
    return sysctl >> value && value != 0;
}

// As another program of this user would, where the kernel allows it.
UniqueFd join(std::uint16_t port) {
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd.get(), 16) == 0);
    return fd;
}

}  // namespace

TEST_CASE("4 slots with a socket each lose no request in 50 reloads, nor when they become 2 and 4 again") {
    Instance instance{with_slots(4)};
    instance.start();
    const std::uint16_t port = instance.port();
    Load load(port, 16);
    // Every worker has a socket of its own, so it answers only if clients come to that.
    const auto all_answer = [&] {
        const auto pids = instance.wait_until_settled().active()->pids();
        return eventually([&] {
            return std::all_of(pids.begin(), pids.end(), [&](pid_t pid) { return load.has_answered(pid); });
        });
    };
    CHECK(all_answer());
    for (int i = 0; i < 50; ++i) {
        const Outcome reloaded = instance.reload();
        INFO(reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
    }
    CHECK(all_answer());

    for (const int count : {2, 4, 1, 3}) {
        const bool fewer = count < instance.config.count;
        instance.config.count = count;
        instance.write_config();
        const Outcome reloaded = instance.reload();
        INFO(reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
        // Said before it was done.
        CHECK((reloaded.text().find("sockets to " + std::to_string(count)) != std::string::npos) == fewer);
        CHECK(all_answer());
    }
    const LoadReport report = load.stop();
    INFO(report.text());
    CHECK(report.failures() == 0);
    CHECK(instance.port() == port);
    CHECK(instance.log().find("are reset") == std::string::npos);
}

TEST_CASE("rolling reloads of slots with a socket each lose no request, nor when slots go and come") {
    Instance instance{with_slots(4)};
    instance.config.strategy = "rolling";
    instance.write_config();
    instance.start();
    Load load(instance.port(), 8);
    for (const int count : {4, 2, 6, 3}) {
        instance.config.count = count;
        instance.write_config();
        const Outcome reloaded = instance.reload();
        INFO(reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
        const auto pids = instance.wait_until_settled().active()->pids();
        CHECK(eventually([&] {
            return std::all_of(pids.begin(), pids.end(), [&](pid_t pid) { return load.has_answered(pid); });
        }));
    }
    const LoadReport report = load.stop();
    INFO(report.text());
    CHECK(report.failures() == 0);
}

TEST_CASE("who is queued at a surplus socket is answered by the old worker before it goes") {
    Instance instance{with_slots(2)};
    instance.start();
    const std::uint16_t port = instance.port();
    const auto old_pids = instance.worker_pids();
    for (const pid_t pid : old_pids) ::kill(pid, SIGSTOP);
    std::vector<std::unique_ptr<HttpConnection>> clients;
    for (int i = 0; i < 40; ++i) {
        clients.push_back(std::make_unique<HttpConnection>(port));
        clients.back()->send(request("/"));
    }
    instance.config.count = 1;
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    for (const pid_t pid : old_pids) ::kill(pid, SIGCONT);
    for (auto& client : clients) {
        const Answer answer = client->receive();
        INFO(answer.error);
        CHECK(answer.ok());
    }
    instance.wait_until_settled();
}

TEST_CASE("what a worker leaves in a surplus socket is told, or moved by the kernel where it is asked to") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{with_slots(2)};
    instance.config.command = {python(), "deaf.py"};
    instance.write_config();
    write_file(instance.path("deaf.py"), R"(
import os, signal, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
)");
    instance.start();
    std::vector<std::unique_ptr<HttpConnection>> clients;
    for (int i = 0; i < 40; ++i) {
        clients.push_back(std::make_unique<HttpConnection>(instance.port()));
        clients.back()->send(request("/"));
    }
    instance.config.count = 1;
    instance.config.command = {"./worker"};
    instance.write_config();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    std::size_t answered = 0;
    for (auto& client : clients) answered += client->receive().ok() ? 1 : 0;
    const bool told =
        instance.log().find("that no worker of generation 1 has accepted ") != std::string::npos;
    CHECK(answered > 0);
    CHECK((answered == clients.size()) == kernel_migrates());
    CHECK(told == !kernel_migrates());
}

TEST_CASE("a worker that is scaled away leaves nobody at its socket") {
    Instance instance{with_slots(3)};
    instance.start();
    Load load(instance.port(), 8);
    for (const int signal_number : {SIGTTOU, SIGTTOU, SIGTTIN, SIGTTIN, SIGTTIN, SIGTTOU}) {
        const std::uint64_t before = load.answered();
        ::kill(instance.master(), signal_number);
        CHECK(eventually([&] { return load.answered() > before + 200; }));
        instance.wait_until_settled();
    }
    const LoadReport report = load.stop();
    INFO(report.text());
    CHECK(report.failures() == 0);
}

TEST_CASE("nobody waits at the socket of a worker that was added and is not ready yet") {
    Instance instance{with_slots(3)};
    install_script("until [ -e open$SUP_SLOT ]; do sleep 0.02; done\nexec ./worker", instance.path("gated"));
    for (const char* gate : {"open0", "open1", "open2"}) write_file(instance.path(gate), "");
    instance.config.command = {"./gated"};
    instance.write_config();
    instance.start();
    const auto scale = [&](int signal_number, std::size_t workers) {
        ::kill(instance.master(), signal_number);
        return instance.wait_for("another count", [workers](const InstanceStatus& now) {
            return now.active()->workers.size() == workers;
        });
    };
    scale(SIGTTOU, 2);
    scale(SIGTTOU, 1);
    for (const char* gate : {"open1", "open2"}) std::filesystem::remove(instance.path(gate));
    scale(SIGTTIN, 2);
    scale(SIGTTIN, 3);
    write_file(instance.path("open1"), "");
    instance.wait_for("the second worker to be ready",
                      [](const InstanceStatus& now) { return now.active()->workers[1].state == "ready"; });
    for (int client = 0; client < 30; ++client) CHECK(hello(instance.port()).generation == 1);
    write_file(instance.path("open2"), "");
    instance.wait_until_settled();
}

TEST_CASE("nobody waits at the socket of a worker that has crashed and is not back") {
    Instance instance{with_slots(2)};
    install_script("until [ -e open ]; do sleep 0.02; done\nexec ./worker", instance.path("gated"));
    write_file(instance.path("open"), "");
    instance.config.command = {"./gated"};
    instance.write_config();
    instance.start();
    std::filesystem::remove(instance.path("open"));
    const pid_t victim = instance.worker_pids().front();
    ::kill(victim, SIGKILL);
    instance.wait_for("the worker's end",
                      [victim](const InstanceStatus& now) { return now.active()->workers[0].pid != victim; });
    for (int client = 0; client < 30; ++client) CHECK(hello(instance.port()).generation == 1);
    write_file(instance.path("open"), "");
    instance.wait_until_settled();
}

TEST_CASE("who joins a port after a reload to reuseport has failed gets no clients") {
    Instance instance{{.count = 2}};
    instance.start();
    const std::uint16_t port = instance.port();
    instance.config.listen_keys = R"({"reuseport": true})";
    instance.config.command = {"./worker", "--fail-start"};
    instance.write_config();
    CHECK(instance.reload().exit_code == 1);
    instance.wait_until_settled();
    const UniqueFd foreign = join(port);
    for (int client = 0; client < 20; ++client) CHECK(hello(port).generation == 1);
    const Outcome refused = instance.reload();
    CHECK(refused.exit_code == 1);
    CHECK(refused.err.find("is shared by pid " + std::to_string(::getpid())) != std::string::npos);
}

TEST_CASE("a reload to more slots that fails leaves the old ones serving, and nobody waits at a new socket") {
    Instance instance{with_slots(2)};
    instance.start();
    Load load(instance.port(), 8);
    instance.config.count = 6;
    instance.config.command = {"./worker", "--ready-delay", "500ms", "--fail-start"};
    instance.write_config();
    CHECK(instance.reload().exit_code == 1);
    instance.config.command = {"sleep", "60"};
    instance.config.ready_timeout = "1s";
    instance.write_config();
    CHECK(instance.reload().exit_code == 1);
    const std::uint64_t before = load.answered();
    CHECK(eventually([&] { return load.answered() > before + 200; }));
    const LoadReport report = load.stop();
    INFO(report.text());
    CHECK(report.failures() == 0);
}

TEST_CASE("reuseport is switched on and off by reloads under load") {
    Instance instance{{.count = 3}};
    instance.start();
    Load load(instance.port(), 8);
    for (const char* keys : {R"({"reuseport": true})", "{}", R"({"reuseport": true})", "{}"}) {
        instance.config.listen_keys = keys;
        instance.write_config();
        const Outcome reloaded = instance.reload();
        INFO(reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
        const std::uint64_t before = load.answered();
        CHECK(eventually([&] { return load.answered() > before + 200; }));
    }
    const LoadReport report = load.stop();
    INFO(report.text());
    CHECK(report.failures() == 0);
}

}  // namespace sup::test
