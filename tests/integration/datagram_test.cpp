// Datagram sockets: kept over reloads with what is queued in them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/python_worker.h"

namespace sup::test {

namespace {

// Sends back what it gets, with its generation before it.
const std::string echo_server = python_worker + R"(
generation = os.environ["SUP_GENERATION"].encode()
while not stopping:
    select.select([listener, waker], [], [])
    try:
        datagram, client = listener.recvfrom(65536)
    except BlockingIOError:
        continue
    if client:
        listener.sendto(generation + b" " + datagram, client)
)";

constexpr int poll_patience = std::chrono::milliseconds(patience).count();

// Sends numbered datagrams, so many at once, and waits for the answer to each.
class EchoClient {
public:
    explicit EchoClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
        thread_ = std::thread([this] { run(); });
    }
    ~EchoClient() { stop(); }

    void stop() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }
    std::uint64_t sent() const { return sent_; }
    std::uint64_t answered() const { return answered_; }
    int newest_generation() const { return generation_; }

private:
    static constexpr std::uint64_t window = 16;

    void run() {
        while (!stopping_ || answered_ < sent_) {
            if (!stopping_ && sent_ - answered_ < window) {
                const std::string text = std::to_string(sent_);
                if (::send(fd_.get(), text.data(), text.size(), 0) > 0) ++sent_;
                continue;
            }
            pollfd wanted{fd_.get(), POLLIN, 0};
            if (::poll(&wanted, 1, poll_patience) <= 0) return;
            std::array<char, 64> answer{};
            if (::recv(fd_.get(), answer.data(), answer.size() - 1, 0) <= 0) return;
            ++answered_;
            generation_ = std::atoi(answer.data());
        }
    }

    UniqueFd fd_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> sent_{0};
    std::atomic<std::uint64_t> answered_{0};
    std::atomic<int> generation_{0};
    std::thread thread_;
};

// What the kernel itself has dropped at this port: the last column of /proc/net/udp.
std::uint64_t kernel_drops(std::uint16_t port) {
    std::ifstream table("/proc/net/udp");
    std::uint64_t drops = 0;
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string slot, local, last;
        fields >> slot >> local;
        const std::size_t colon = local.find(':');
        if (colon == local.npos || std::stoul(local.substr(colon + 1), nullptr, 16) != port) continue;
        for (std::string field; fields >> field;) last = field;
        drops += std::stoull(last);
    }
    return drops;
}

}  // namespace

TEST_CASE("a UDP echo worker keeps answering over 50 reloads, and no datagram is lost but by the kernel") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.listen = {"udp:127.0.0.1:0"}, .command = {python(), "echo.py"}}};
    write_file(instance.path("echo.py"), echo_server);
    instance.start();
    const std::string address = instance.status().addresses.at(0);
    CHECK(address.starts_with("udp:127.0.0.1:"));
    const std::uint16_t port = port_of(address);
    EchoClient client(port);
    REQUIRE(eventually([&] { return client.answered() > 0; }));
    for (int i = 0; i < 50; ++i) REQUIRE(instance.reload().exit_code == 0);
    const std::uint64_t before = client.answered();
    CHECK(eventually([&] { return client.newest_generation() == 51; }));
    CHECK(eventually([&] { return client.answered() > before; }));
    client.stop();
    INFO("sent " << client.sent() << ", answered " << client.answered() << ", dropped by the kernel "
                 << kernel_drops(port));
    CHECK(client.answered() + kernel_drops(port) >= client.sent());
    CHECK(client.answered() > 50);
    instance.wait_until_settled();
    CHECK(instance.status().addresses.at(0) == address);
}

TEST_CASE(
    "a UDP service on the worker library, with a socket for each slot or one for all, loses no datagram") {
    Instance instance{{.listen = {"udp:127.0.0.1:0"},
                       .listen_keys = GENERATE(R"({"reuseport": true})", "{}"),
                       .command = {SUP_TEST_UDP_ECHO},
                       .count = 3}};
    instance.start();
    const std::uint16_t port = port_of(instance.status().addresses.at(0));
    std::vector<std::unique_ptr<EchoClient>> clients;
    for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<EchoClient>(port));
    for (int i = 0; i < 20; ++i) REQUIRE(instance.reload().exit_code == 0);
    for (const auto& client : clients) CHECK(eventually([&] { return client->newest_generation() == 21; }));
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    for (const auto& client : clients) {
        client->stop();
        sent += client->sent();
        answered += client->answered();
    }
    INFO("sent " << sent << ", answered " << answered << ", dropped by the kernel " << kernel_drops(port));
    CHECK(answered + kernel_drops(port) >= sent);
    instance.wait_until_settled();
}

TEST_CASE("datagrams that wait while no worker lives are answered by the next one") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.listen = {"udp:127.0.0.1:0"}, .command = {python(), "echo.py"}, .count = 1}};
    write_file(instance.path("echo.py"), echo_server);
    instance.start();
    const pid_t worker = instance.worker_pids().at(0);
    ::kill(worker, SIGSTOP);
    EchoClient client(port_of(instance.status().addresses.at(0)));
    REQUIRE(eventually([&] { return client.sent() > 0; }));
    ::kill(worker, SIGKILL);
    CHECK(eventually([&] { return client.answered() > 0; }));
    client.stop();
    CHECK(client.answered() == client.sent());
}

TEST_CASE("a unix datagram socket is at its path over reloads") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.listen = {"unix-dgram:in.sock"}, .command = {python(), "echo.py"}}};
    write_file(instance.path("echo.py"), echo_server);
    instance.start();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);

    const UniqueFd client(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un own{};
    own.sun_family = AF_UNIX;  // the kernel chooses an abstract name (unix(7), autobind)
    REQUIRE(::bind(client.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(sa_family_t)) == 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    instance.path("in.sock").string().copy(to.sun_path, sizeof(to.sun_path) - 1);
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
    REQUIRE(::send(client.get(), "x", 1, 0) == 1);
    pollfd wanted{client.get(), POLLIN, 0};
    REQUIRE(::poll(&wanted, 1, poll_patience) == 1);
    std::array<char, 16> answer{};
    CHECK(::recv(client.get(), answer.data(), answer.size(), 0) == 3);
    CHECK(std::string(answer.data()) == "2 x");
    REQUIRE(instance.stop().exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(instance.path("in.sock")));
}

}  // namespace sup::test
