// Listeners with a socket for each slot, which pass from each worker to the next one in its slot.
#include <signal.h>

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
        instance.log().find("that no worker of generation 1 has accepted are reset") != std::string::npos;
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
