// What a worker knows of its sessions goes along with their connections, from release to release and back.
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/integration/support/endpoint.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

using Versions = std::vector<std::string>;

// line-worker numbers the lines of each client; its flags are the version that it writes, and those it reads.
std::vector<std::string> release(const Versions& versions) {
    std::vector<std::string> command{SUP_TEST_LINE_WORKER, "--count"};
    command.insert(command.end(), versions.begin(), versions.end());
    return command;
}

class LineClient {
public:
    explicit LineClient(std::uint16_t port) {
        int problem = 0;
        fd_ = Endpoint(port).connect(SOCK_CLOEXEC, problem);
        REQUIRE(problem == 0);
    }

    // The number that this line has, by what comes back; 0 when nothing does.
    int number() const {
        ::send(fd_.get(), "x\n", 2, MSG_NOSIGNAL);
        std::string line;
        char byte = 0;
        while (byte != '\n' && receive(byte)) line += byte;
        const auto space = line.find(' ');
        return space == std::string::npos ? 0 : std::atoi(line.c_str() + space);
    }
    bool ends_in_order() const {
        char byte = 0;
        return wait() && ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT) == 0;
    }

private:
    bool wait() const {
        pollfd one{fd_.get(), POLLIN, 0};
        return ::poll(&one, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) == 1;
    }
    bool receive(char& byte) const { return wait() && ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT) == 1; }

    UniqueFd fd_;
};

void reload_to(Instance& instance, const Versions& versions) {
    instance.config.command = release(versions);
    instance.write_config();
    const Outcome outcome = instance.reload({"--drained"});
    INFO(outcome.text());
    REQUIRE(outcome.exit_code == 0);
    CHECK(outcome.text().find("cannot read") == std::string::npos);
}

}  // namespace

TEST_CASE("sessions keep their state over a release and its rollback") {
    Config config;
    config.command = release({"1", "1"});
    config.count = 2;
    Instance instance(config);
    instance.start();
    std::vector<LineClient> clients;
    for (int i = 0; i < 20; ++i) clients.emplace_back(instance.port());
    for (const LineClient& client : clients) REQUIRE(client.number() == 1);
    reload_to(instance, {"1", "1", "2"});
    for (const LineClient& client : clients) CHECK(client.number() == 2);
    reload_to(instance, {"1", "1"});
    for (const LineClient& client : clients) CHECK(client.number() == 3);
}

TEST_CASE("a release that cannot read the state of the old one: polite ends, and the reload says how many") {
    Config config;
    config.command = release({"1", "1"});
    config.count = 1;
    Instance instance(config);
    instance.start();
    std::vector<LineClient> clients;
    for (int i = 0; i < 12; ++i) clients.emplace_back(instance.port());
    for (const LineClient& client : clients) REQUIRE(client.number() == 1);
    instance.config.command = release({"3", "3"});
    instance.write_config();
    const Outcome outcome = instance.reload({"--drained"});
    INFO(outcome.text());
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.text().find("12 connections of line/1 ended: the new release cannot read their state") !=
          std::string::npos);
    for (const LineClient& client : clients) CHECK(client.ends_in_order());
    const InstanceStatus status = instance.status();
    REQUIRE(status.last_reload);
    CHECK(status.last_reload->drained == 12);
    CHECK(status.last_reload->handed_over == 0);
    CHECK(LineClient(instance.port()).number() == 1);
}

}  // namespace sup::test
