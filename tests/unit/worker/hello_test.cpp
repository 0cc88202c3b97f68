// The example worker as a process, under a master that the test plays.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "common/scoreboard.h"
#include "tests/catch.h"
#include "tests/unit/handoff/in_flight.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/fake_master.h"
#include "tests/unit/worker/wire.h"

using sup::test::Answer;
using sup::test::Client;
using sup::test::contains;
using sup::test::eventually;
using sup::test::FakeMaster;
using sup::test::get;
using sup::test::request;

namespace {

constexpr const char* reload_packet = R"({"type":"drain","listeners":["http","admin"],"retired":[]})";
constexpr const char* stop_packet = R"({"type":"drain","listeners":[],"retired":["http","admin"]})";

void clear_nonblock(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

std::string status_field(pid_t pid, const std::string& name) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.find(name) == 0) return line.substr(name.size() + 1);
    }
    return {};
}

// How often the process has gone to sleep, which is how often it was woken.
std::string wakes(pid_t pid) {
    return status_field(pid, "voluntary_ctxt_switches");
}

// It has been executed: before that it is this test, with this test's signal handlers.
bool is_hello(pid_t pid) {
    return contains(status_field(pid, "Name:"), "hello-worker");
}

bool catches(pid_t pid, int signal) {
    const std::string mask = status_field(pid, "SigCgt");
    return !mask.empty() && ((std::stoull(mask, nullptr, 16) >> (signal - 1)) & 1U) != 0;
}

std::size_t open_descriptors(pid_t pid) {
    std::size_t count = 0;
    for (int fd = 0; fd < 256; ++fd) {
        count += ::access(("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd)).c_str(), F_OK) == 0
                     ? 1U
                     : 0U;
    }
    return count;
}

}  // namespace

TEST_CASE("under sup it says READY=1 when it serves, and opens its channel with the same message") {
    FakeMaster master;
    CHECK(master.notification() == "READY=1\nX_SUP_CHANNEL=1");
    CHECK(master.has_channel());
    const Answer answer = request(master.http(), get("/"));
    CHECK(answer.body == "hello world from pid:" + std::to_string(master.pid()) +
                             ", ppid: " + std::to_string(::getpid()) + ", generation: 7, version: 1\n");
    CHECK(contains(answer.head, "Content-Type: text/plain\r\n"));
    CHECK(contains(answer.head, "Date: "));
    CHECK(request(master.admin(), get("/healthz")).body == "ok\n");
}

TEST_CASE("a channel that cannot travel yet keeps no worker from being ready, and is opened when it can") {
    sup::test::InFlight too_many;
    FakeMaster master({.descriptor_limit = 64, .few_privileges = true});
    CHECK(master.notification() == "READY=1");
    CHECK_FALSE(master.has_channel());
    CHECK(request(master.http(), get("/healthz")).body == "ok\n");
    too_many.land();
    CHECK(master.notification() == "X_SUP_CHANNEL=1");
    CHECK(master.has_channel());
}

TEST_CASE("a worker that drains without a channel leaves nobody in a listener's queue") {
    sup::test::InFlight too_many;
    FakeMaster master({.descriptor_limit = 100, .few_privileges = true});
    REQUIRE(master.notification() == "READY=1");
    master.signal(SIGSTOP);
    // More than it takes in one turn of its loop, which may come before the signal's.
    std::vector<std::unique_ptr<Client>> queued;
    for (int i = 0; i < 60; ++i) {
        queued.push_back(std::make_unique<Client>(master.http()));
        queued.back()->send(get("/healthz"));
    }
    master.signal(SIGTERM);
    master.signal(SIGCONT);
    for (const auto& client : queued) CHECK(client->receive().body == "ok\n");
    queued.clear();
    CHECK(master.exit_code() == 0);
}

TEST_CASE("under another supervisor it says READY=1 and no more") {
    FakeMaster master({.under_sup = false});
    CHECK(master.notification() == "READY=1");
    CHECK_FALSE(master.has_channel());
    CHECK(contains(request(master.http(), get("/")).body, "generation: 0"));
    master.signal(SIGTERM);
    CHECK(master.notification() == "STOPPING=1");
    CHECK(master.exit_code() == 0);
}

TEST_CASE(
    "a second signal to drain hurries a worker of nobody's, and none of sup's, which has its own deadline") {
    const bool under_sup = GENERATE(false, true);
    FakeMaster master({.under_sup = under_sup, .drain_timeout_ms = "3000"});
    REQUIRE(master.wait_until_ready());
    Client busy(master.http());
    busy.send(get("/sleep?ms=60000"));
    Client served(master.http());
    served.send(get("/"));
    REQUIRE(served.receive().status == 200);
    const auto begun = std::chrono::steady_clock::now();
    master.signal(SIGTERM);
    CHECK(contains(master.notification(), "STOPPING=1"));
    master.signal(SIGTERM);
    CHECK(master.exit_code() == 0);
    const bool hurried = std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(2'000);
    CHECK(hurried == !under_sup);
}

TEST_CASE("a worker that has no free descriptor says that it stops, too") {
    FakeMaster master({.descriptor_limit = 24});
    REQUIRE(master.wait_until_ready());
    std::vector<std::unique_ptr<Client>> busy;
    for (int i = 0; i < 60; ++i) {
        busy.push_back(std::make_unique<Client>(master.http()));
        busy.back()->send(get("/sleep?ms=60000"));
    }
    const std::string descriptors = "/proc/" + std::to_string(master.pid()) + "/fd";
    REQUIRE(eventually([&] {
        const auto all = std::filesystem::directory_iterator(descriptors);
        return std::distance(begin(all), end(all)) >= 24;
    }));
    master.signal(SIGTERM);
    CHECK(master.notification() == "STOPPING=1");
}

TEST_CASE("what a worker did before it had its row in the scoreboard counts in the row") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    Client client(master.http());
    for (int i = 0; i < 3; ++i) {
        client.send(get("/"));
        REQUIRE(client.receive().status == 200);
    }
    const auto board = sup::Scoreboard::create(2);
    REQUIRE(master.send(R"({"type":"scoreboard","slot":1})", {board->fd()}));
    CHECK(eventually([&] { return board->row(1).requests.load() == 3; }));
    CHECK(board->row(1).accepts.load() == 1);
    CHECK(board->row(1).connections.load() == 1);
    CHECK(board->row(1).accepting.load() == 1);
}

TEST_CASE("programs that a worker starts inherit none of its listeners") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    for (const int number : {3, 4}) {
        std::ifstream info("/proc/" + std::to_string(master.pid()) + "/fdinfo/" + std::to_string(number));
        std::string name;
        unsigned flags = 0;
        while (info >> name && name != "flags:") continue;
        info >> std::oct >> flags;
        CHECK((flags & O_CLOEXEC) != 0);
    }
}

TEST_CASE("descriptors that are meant for another process are left alone") {
    FakeMaster master({.flags = {"--listen", "127.0.0.1:0"}, .wrong_pid = true});
    // It has nothing to serve under sup, then.
    CHECK(master.exit_code() == 1);
    CHECK(contains(master.standard_error(), "nothing to serve"));
}

TEST_CASE("every route of the example answers as promised") {
    FakeMaster master({.flags = {"--version-string", "blue"}});
    REQUIRE(master.wait_until_ready());
    const std::string& address = master.http();
    CHECK(contains(request(address, get("/")).body, "version: blue\n"));
    CHECK(contains(request(address, get("/sleep?ms=20")).body, "hello world from pid:"));
    CHECK(request(address, get("/sleep?ms=never")).status == 400);
    CHECK(request(address, get("/healthz")).body == "ok\n");
    const Answer stream = request(address, get("/stream?chunks=3&ms=5"));
    CHECK(contains(stream.head, "Transfer-Encoding: chunked\r\n"));
    CHECK(stream.body == "chunk 1\nchunk 2\nchunk 3\n");
    CHECK(request(address, get("/stream?chunks=0&ms=0")).body.empty());
    CHECK(request(address, get("/stream?chunks=2000&ms=0")).body.size() ==
          9 * 8 + 90 * 9 + 900 * 10 + 1001 * 11);
    const std::string echo = "POST /echo HTTP/1.1\r\nHost: a\r\n";
    CHECK(request(address, echo + "Content-Length: 5\r\n\r\nhello").body == "hello");
    CHECK(request(address, echo + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").body ==
          "hello");
    CHECK(request(address, echo + "\r\n").body.empty());
    CHECK(request(address, echo + "Content-Length: 67108865\r\n\r\n").status == 413);
    Client head(address);
    head.send("HEAD /stream?chunks=1000000000&ms=0 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/healthz"));
    CHECK(head.receive(true).status == 200);
    CHECK(head.receive().body == "ok\n");
    CHECK(request(address, get("/nowhere")).status == 404);
    CHECK(request(address, get("/nowhere/else")).status == 404);
    const Answer wrong = request(address, "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(wrong.status == 405);
    CHECK(contains(wrong.head, "Allow: GET, HEAD\r\n"));
    CHECK(contains(request(address, get("/echo")).head, "Allow: POST\r\n"));
    CHECK(request(address, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n").status == 501);
    CHECK(request(address, "GET / HTTP/2.0\r\nHost: a\r\n\r\n").status == 505);
}

TEST_CASE("at a reload the queue is left to the next generation, and idle clients are not closed") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    Client idle(master.http());
    idle.send(get("/"));
    CHECK(idle.receive().status == 200);
    Client busy(master.http());
    busy.send(get("/sleep?ms=300"));
    REQUIRE(master.send(reload_packet));
    master.signal(SIGTERM);
    CHECK(master.notification() == "STOPPING=1");
    // Nobody accepts any more: this one waits in the queue for a next generation.
    Client later(master.http());
    later.send(get("/"));
    const Answer answer = busy.receive();
    CHECK(answer.status == 200);
    CHECK(answer.says_close());
    // Longer than a stop would wait for it; then its next request is answered.
    CHECK_FALSE(idle.has_bytes(1500));
    idle.send(get("/"));
    CHECK(idle.receive().says_close());
    CHECK(master.exit_code() == 0);
    CHECK_FALSE(later.has_bytes(0));
    CHECK(contains(master.standard_error(), " 2 ended in order, 0 closed at the deadline"));
    // The next generation finds it.
    const sup::UniqueFd queued(::accept4(master.listener(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    CHECK(queued);
}

TEST_CASE("a worker that is told to drain before it is ready ends at once, and leaves the queue alone") {
    FakeMaster master({.flags = {"--ready-delay", "1h"}});
    Client client(master.http());
    client.send(get("/"));
    REQUIRE(eventually([&] { return is_hello(master.pid()) && catches(master.pid(), SIGTERM); }));
    master.signal(SIGTERM);
    CHECK(master.exit_code() == 0);
    CHECK_FALSE(client.has_bytes(0));
    const sup::UniqueFd queued(::accept4(master.listener(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    CHECK(queued);
}

TEST_CASE("at a stop, told by the channel, what is queued is served and idle clients end in order") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    Client idle(master.http());
    idle.send(get("/"));
    CHECK(idle.receive().status == 200);
    // The worker stands still while these arrive, so they are queued when it reads packet and signal.
    master.signal(SIGSTOP);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(std::make_unique<Client>(i % 2 == 0 ? master.http() : master.admin()));
        clients.back()->send(get("/"));
    }
    REQUIRE(master.send(stop_packet));
    master.signal(SIGTERM);
    master.signal(SIGCONT);
    for (const auto& client : clients) {
        CHECK(client->receive().status == 200);
        CHECK(client->ended_in_order());
    }
    clients.clear();
    CHECK(idle.ended_in_order());
    CHECK(master.exit_code() == 0);
    CHECK(contains(master.standard_error(), " 51 ended in order, 0 closed at the deadline"));
}

TEST_CASE("a listener that is retired on its own is emptied, the other one is left") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    master.signal(SIGSTOP);
    auto retired = std::make_unique<Client>(master.admin());
    retired->send(get("/"));
    auto kept = std::make_unique<Client>(master.http());
    kept->send(get("/"));
    // The worker wakes with both readable; what it does not accept of "http" before it drains, it leaves.
    REQUIRE(master.send(R"({"type":"drain","listeners":["http"],"retired":["admin"]})"));
    master.signal(SIGTERM);
    master.signal(SIGCONT);
    CHECK(retired->receive().status == 200);
    const sup::UniqueFd queued(::accept4(master.listener(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    CHECK((queued || kept->receive().status == 200));
    // Clients that keep their connections keep the worker.
    retired.reset();
    kept.reset();
    CHECK(master.exit_code() == 0);
}

TEST_CASE("a signal without a word on the channel: the queue is left, as somebody else may serve it") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    master.signal(SIGTERM);
    CHECK(master.exit_code() == 0);
}

TEST_CASE("when the master has died, the worker serves on, and at a signal serves the queue, too") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    master.close_channel();
    CHECK(request(master.http(), get("/")).status == 200);
    master.signal(SIGSTOP);
    Client queued(master.http());
    queued.send(get("/"));
    master.signal(SIGTERM);
    master.signal(SIGCONT);
    CHECK(queued.receive().status == 200);
    CHECK(queued.ended_in_order());
    CHECK(master.exit_code() == 0);
}

TEST_CASE("packets that the worker does not know are ignored, and descriptors that come with them closed") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    CHECK(request(master.http(), get("/")).status == 200);
    const std::size_t before = open_descriptors(master.pid());
    CHECK(master.send(R"({"type":"inbox"})", {master.listener(), master.listener()}));
    CHECK(master.send(R"({"type":"scoreboard","slot":1})", {master.listener()}));
    CHECK(master.send("not json", {master.listener()}));
    CHECK(master.send(R"({"type":"drain","listeners":"http"})"));
    CHECK(request(master.http(), get("/")).status == 200);
    CHECK(eventually([&] { return open_descriptors(master.pid()) <= before; }));
    CHECK(master.send(reload_packet));
    master.signal(SIGTERM);
    CHECK(master.exit_code() == 0);
}

TEST_CASE("what is open shortly before SUP_DRAIN_TIMEOUT_MS is closed by the worker, in order, and counted") {
    FakeMaster master({.drain_timeout_ms = "1000"});
    REQUIRE(master.wait_until_ready());
    Client idle(master.http());
    idle.send(get("/"));
    CHECK(idle.receive().status == 200);
    Client busy(master.http());
    busy.send(get("/sleep?ms=60000"));
    CHECK_FALSE(busy.has_bytes(50));
    REQUIRE(master.send(reload_packet));
    master.signal(SIGTERM);
    CHECK(idle.ended_in_order());
    CHECK(busy.ended_in_order());
    CHECK(master.exit_code() == 0);
    CHECK(contains(master.standard_error(), " 0 ended in order, 2 closed at the deadline"));
}

TEST_CASE("somebody else clearing O_NONBLOCK on the shared listener does not hang the worker") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    for (int i = 0; i < 20; ++i) {
        clear_nonblock(master.listener());
        Client client(master.http());
        client.send(get("/"));
        CHECK(client.receive().status == 200);
        // It is back in its loop, not in accept(2): a second request on the same connection is answered.
        client.send(get("/"));
        CHECK(client.receive().status == 200);
    }
}

TEST_CASE("without free descriptors connections wait in the queue, none is closed, and all are answered") {
    FakeMaster master({.descriptor_limit = 24});
    REQUIRE(master.wait_until_ready());
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 60; ++i) {
        clients.push_back(std::make_unique<Client>(master.http()));
        clients.back()->send(get("/"));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        CAPTURE(i);
        CHECK(clients[i]->receive().status == 200);
        clients[i].reset();
    }
    CHECK(contains(master.standard_error(), "wait in its queue until descriptors are free"));
    SECTION("also at a stop") {
        for (std::size_t i = 0; i < clients.size(); ++i) {
            clients[i] = std::make_unique<Client>(master.http());
            clients[i]->send(get("/"));
        }
        REQUIRE(master.send(stop_packet));
        master.signal(SIGTERM);
        for (std::size_t i = 0; i < clients.size(); ++i) {
            CAPTURE(i);
            CHECK(clients[i]->receive().status == 200);
            clients[i].reset();
        }
        CHECK(master.exit_code() == 0);
    }
}

TEST_CASE("an idle worker does not wake") {
    FakeMaster master;
    REQUIRE(master.wait_until_ready());
    Client client(master.http());
    client.send(get("/"));
    CHECK(client.receive().status == 200);
    std::string before;
    // Once it has settled, a second passes without a single wake.
    CHECK(eventually([&] {
        before = wakes(master.pid());
        for (int i = 0; i < 200; ++i) sup::test::pause_briefly();
        return wakes(master.pid()) == before;
    }));
}

TEST_CASE("the drain signal that sup names is obeyed") {
    FakeMaster master({.environment = {"SUP_DRAIN_SIGNAL=SIGUSR1"}});
    REQUIRE(master.wait_until_ready());
    master.signal(SIGUSR1);
    CHECK(master.exit_code() == 0);
}

TEST_CASE("the file that it was given is what /file answers, and without one there is none") {
    const FakeMaster given({.flags = {"--file", HELLO_WORKER}});
    const Answer file = request(given.http(), get("/file"));
    CHECK(file.status == 200);
    CHECK(file.body.size() == std::filesystem::file_size(HELLO_WORKER));
    const FakeMaster none;
    CHECK(request(none.http(), get("/file")).status == 404);
}

TEST_CASE("the flags that make it misbehave do") {
    SECTION("it fails to start, with a word") {
        FakeMaster master({.flags = {"--fail-start"}});
        CHECK(master.exit_code() == 1);
        CHECK_FALSE(master.standard_error().empty());
    }
    SECTION("it crashes") {
        FakeMaster master({.flags = {"--crash-after", "10ms"}});
        CHECK(master.exit_code() == -SIGABRT);
    }
    SECTION("it becomes ready late, and does not accept before") {
        FakeMaster master({.flags = {"--ready-delay", "200ms"}});
        Client client(master.http());
        client.send(get("/"));
        CHECK(master.wait_until_ready());
        CHECK(client.receive().status == 200);
    }
    SECTION("it ignores being told to drain") {
        FakeMaster master({.flags = {"--ignore-drain"}});
        REQUIRE(master.wait_until_ready());
        REQUIRE(master.send(reload_packet));
        master.signal(SIGTERM);
        master.signal(SIGTERM);
        CHECK(request(master.http(), get("/")).status == 200);
        CHECK(master.running());
        master.signal(SIGKILL);
        CHECK(master.exit_code() == -SIGKILL);
    }
    SECTION("a flag it does not know is an error") {
        FakeMaster master({.flags = {"--nonsense"}});
        CHECK(master.exit_code() != 0);
    }
    SECTION("so is a duration that is none") {
        FakeMaster master({.flags = {"--ready-delay", "soon"}});
        CHECK(master.exit_code() != 0);
        CHECK(contains(master.standard_error(), "250ms"));
    }
}
