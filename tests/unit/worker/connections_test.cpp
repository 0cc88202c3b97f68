// A protocol of the user's own takes part in the handoff: line_worker.cpp, built on the library's
// Connections.
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/handoff/in_flight.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/two_workers.h"
#include "tests/unit/worker/wire.h"

using sup::test::Client;
using sup::test::comes_to_rest;
using sup::test::contains;
using sup::test::counter;
using sup::test::eventually;
using sup::test::FakeMaster;
using sup::test::FakeMasterOptions;
using sup::test::give_inbox;
using sup::test::InboxPair;
using sup::test::reload_into;
using sup::test::reload_packet;
using sup::test::stop_packet;
using sup::test::TwoWorkers;

namespace {

FakeMasterOptions runs(const std::string& program) {
    FakeMasterOptions options;
    options.program = program;
    return options;
}

FakeMasterOptions line_worker() {
    return runs(LINE_WORKER);
}

std::string answer(const FakeMaster& master, const std::string& line) {
    return std::to_string(master.pid()) + " " + line + "\n";
}

// Whether the worker answers a line, and nothing but that.
bool answers(const FakeMaster& master, Client& client, const std::string& line) {
    client.send(line + "\n");
    const std::string expected = answer(master, line);
    return client.receive_bytes(expected.size()) == expected;
}

}  // namespace

TEST_CASE("connections of a user's own protocol move, with half a line, and nothing is lost of it") {
    TwoWorkers workers(line_worker(), 0, line_worker());
    workers.open_inbox();
    Client client(workers.old.http());
    REQUIRE(answers(workers.old, client, "one"));
    client.send("tw");
    Client other(workers.old.admin());
    REQUIRE(answers(workers.old, other, "x"));
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    client.send("o\n");
    const std::string two = answer(workers.next, "two");
    CHECK(client.receive_bytes(two.size()) == two);
    CHECK(answers(workers.next, other, "y"));
    CHECK(counter(workers.board.row(0).handed_over) == 2);
    CHECK(counter(workers.board.row(1).connections) == 2);
}

TEST_CASE("a worker that speaks something else closes them in order, and says so") {
    TwoWorkers workers({}, 0, line_worker());
    workers.open_inbox();
    Client client(workers.old.http());
    REQUIRE(answers(workers.old, client, "one"));
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    CHECK(client.ended_in_order());
    CHECK(contains(workers.next.standard_error(), "line/1"));
}

TEST_CASE("at a stop the user's protocol is told to end") {
    TwoWorkers workers(line_worker(), 0, line_worker());
    Client client(workers.old.http());
    REQUIRE(answers(workers.old, client, "one"));
    REQUIRE(workers.old.send(stop_packet));
    workers.old.signal(SIGTERM);
    CHECK(client.ended_in_order());
    CHECK(workers.old.exit_code() == 0);
    CHECK(counter(workers.board.row(0).drained) == 1);
}

TEST_CASE("a full inbox is waited for by the user's protocol, too") {
    TwoWorkers workers(line_worker(), 4608, line_worker());
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 40; ++i) {
        clients.push_back(std::make_unique<Client>(workers.old.http()));
        REQUIRE(answers(workers.old, *clients.back(), "a"));
    }
    REQUIRE(workers.reload());
    CHECK(eventually([&] { return counter(workers.board.row(0).handed_over) > 0; }));
    CHECK(workers.old.running());
    workers.open_inbox();
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : clients) CHECK(answers(workers.next, *client, "b"));
}

TEST_CASE("a user's protocol can give idle connections to its peers") {
    TwoWorkers workers(line_worker(), 0, line_worker());
    REQUIRE(give_inbox(workers.old, workers.inbox));
    workers.open_inbox();
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<Client>(workers.old.http()));
    CHECK(eventually([&] {
        return counter(workers.board.row(0).connections) <= 24 &&
               counter(workers.board.row(1).connections) >= 16;
    }));
    for (const auto& client : clients) {
        client->send("a\n");
        CHECK(client->has_bytes(30'000));
    }
}

TEST_CASE("what a handler throws costs that connection, is logged, and does not keep the worker") {
    FakeMasterOptions options = line_worker();
    options.flags = {"--throw"};
    options.drain_timeout_ms = "1000";
    FakeMaster master(options);
    REQUIRE(master.wait_until_ready());
    for (int i = 0; i < 3; ++i) {
        Client client(master.http());
        CHECK(client.ended_in_order());
    }
    CHECK(contains(master.standard_error(), R"(handler `arrived` of protocol "line/1" threw: no\x1b room)"));
    CHECK(master.running());
    REQUIRE(master.send(stop_packet));
    master.signal(SIGTERM);
    CHECK(master.exit_code() == 0);
    CHECK(contains(master.standard_error(), R"(handler `move` of protocol "line/1" threw: move)"));
}

TEST_CASE("a connection that its service never closes ends with the drain's time, and is logged") {
    const bool under_sup = GENERATE(true, false);
    CAPTURE(under_sup);
    FakeMasterOptions options = line_worker();
    options.flags = {"--never-close"};
    options.under_sup = under_sup;
    options.drain_timeout_ms = "1000";
    options.environment = {"SUP_DRAIN_TIMEOUT_MS=1000"};
    FakeMaster master(options);
    REQUIRE(master.wait_until_ready());
    Client first(master.http());
    Client second(master.http());
    REQUIRE(answers(master, first, "one"));
    REQUIRE(answers(master, second, "one"));
    master.signal(SIGTERM);
    CHECK(master.exit_code() == 0);
    CHECK(contains(master.standard_error(), "2 connections of protocol \"line/1\" are not finished"));
    CHECK(contains(master.standard_error(), "2 closed at the deadline"));
}

namespace {

FakeMasterOptions counting(std::vector<std::string> versions) {
    FakeMasterOptions options = line_worker();
    options.flags = std::move(versions);
    options.flags.insert(options.flags.begin(), "--count");
    return options;
}

// What a master of sup adds, which has heard the successor.
std::string reload_to(const std::string& speaks) {
    return R"({"type":"drain","listeners":["http","admin"],"retired":[],"speaks":)" + speaks + "}";
}

// Whether the next line of that client has that number.
bool counts(const FakeMaster& master, Client& client, int number) {
    client.send("x\n");
    const std::string expected = answer(master, std::to_string(number) + " x");
    return client.receive_bytes(expected.size()) == expected;
}

}  // namespace

TEST_CASE("a worker first says what it can resume from") {
    FakeMaster master(counting({"2", "1", "2"}));
    REQUIRE(master.wait_until_ready());
    CHECK(master.channel_packet() == R"({"speaks":[{"protocol":"line/1","reads":[1,2]}],"type":"speaks"})");
}

TEST_CASE("state moves with its connection to a release that reads its version, apart from unread bytes") {
    const auto [old_versions, next_versions, speaks] =
        GENERATE(table<std::vector<std::string>, std::vector<std::string>, std::string>(
            {{{"1", "1"}, {"2", "1", "2"}, R"([{"protocol":"line/1","reads":[1,2]}])"},
             {{"2", "1", "2"}, {"1", "1", "2"}, R"([{"protocol":"line/1","reads":[1,2]}])"},
             {{"7", "7"},
              {"7", "7"},
              R"([{"protocol":"other","reads":[1]},{"protocol":"line/1","reads":[7]}])"}}));
    TwoWorkers workers(counting(next_versions), 0, counting(old_versions));
    workers.open_inbox();
    Client client(workers.old.http());
    for (int i = 1; i <= 3; ++i) REQUIRE(counts(workers.old, client, i));
    client.send("half");
    REQUIRE(workers.old.send(reload_to(speaks), {workers.inbox.sender.get()}));
    workers.old.signal(SIGTERM);
    CHECK(workers.old.exit_code() == 0);
    client.send(" a line\n");
    const std::string expected = answer(workers.next, "4 half a line");
    CHECK(client.receive_bytes(expected.size()) == expected);
    CHECK(counter(workers.board.row(0).handed_over) == 1);
}

TEST_CASE("connections that the successor cannot resume end cleanly, and the master is told how many") {
    const std::string speaks =
        GENERATE(R"([{"protocol":"line/1","reads":[2,3]}])", R"([{"protocol":"line/2","reads":[1]}])", "[]",
                 R"([{"protocol":"line/1","reads":[]}])");
    CAPTURE(speaks);
    TwoWorkers workers(counting({"3", "3"}), 0, counting({"1", "1"}));
    workers.open_inbox();
    CHECK(contains(workers.old.channel_packet(), "speaks"));
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<Client>(workers.old.http()));
        REQUIRE(counts(workers.old, *clients.back(), 1));
    }
    REQUIRE(workers.old.send(reload_to(speaks), {workers.inbox.sender.get()}));
    workers.old.signal(SIGTERM);
    for (const auto& client : clients) CHECK(client->ended_in_order());
    CHECK(workers.old.exit_code() == 0);
    std::string last;
    for (std::string packet = workers.old.channel_packet(); !packet.empty();
         packet = workers.old.channel_packet())
        last = packet;
    CHECK(last == R"({"connections":3,"protocol":"line/1","type":"unreadable"})");
    CHECK(counter(workers.board.row(0).drained) == 3);
    CHECK(counter(workers.board.row(1).taken) == 0);
}

TEST_CASE("a successor that does not say what it reads gets version 1, and no state that it would not know") {
    TwoWorkers workers(line_worker(), 0, counting({"1", "1"}));
    workers.open_inbox();
    Client fresh(workers.old.http());
    Client known(workers.old.http());
    REQUIRE(counts(workers.old, known, 1));
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    CHECK(known.ended_in_order());
}

TEST_CASE("what the master says wrongly of the successor is as if it had said nothing") {
    const std::string speaks = GENERATE(
        "1", R"({"protocol":"line/1","reads":[9]})", R"([{"protocol":"line/1"}])",
        R"([{"protocol":1,"reads":[9]}])", R"([{"protocol":"line/1","reads":["9"]}])",
        R"([{"protocol":"line/1","reads":[-9]}])", R"([{"protocol":"line/1","reads":[4294967297]}])");
    CAPTURE(speaks);
    TwoWorkers workers(line_worker(), 0, line_worker());
    workers.open_inbox();
    Client client(workers.old.http());
    REQUIRE(answers(workers.old, client, "one"));
    REQUIRE(workers.old.send(reload_to(speaks), {workers.inbox.sender.get()}));
    workers.old.signal(SIGTERM);
    CHECK(workers.old.exit_code() == 0);
    CHECK(answers(workers.next, client, "two"));
}

TEST_CASE("near its limit of descriptors a worker ends some connections in order, and newcomers are served") {
    FakeMasterOptions options = line_worker();
    options.descriptor_limit = 48;
    FakeMaster master(options);
    REQUIRE(master.wait_until_ready());
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 100; ++i) {
        CAPTURE(i);
        clients.push_back(std::make_unique<Client>(master.http()));
        CHECK(answers(master, *clients.back(), "one"));
    }
}

TEST_CASE("what is answered counts as requests") {
    TwoWorkers workers(line_worker(), 0, line_worker());
    Client client(workers.old.http());
    REQUIRE(answers(workers.old, client, "one"));
    REQUIRE(answers(workers.old, client, "two"));
    CHECK(eventually([&] { return counter(workers.board.row(0).requests) == 2; }));
}

#ifdef PYTHON_WORKER
TEST_CASE("the worker in Python hands over and takes, to and from workers in C++, too") {
    const std::string python(PYTHON_WORKER);
    const std::string cpp(LINE_WORKER);
    const auto [from, to, send_buffer] = GENERATE_COPY(table<std::string, std::string, int>(
        {{python, python, 0}, {python, cpp, 4608}, {cpp, python, 4608}}));
    CAPTURE(from, to);
    TwoWorkers workers(runs(to), send_buffer, runs(from));
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 40; ++i) {
        clients.push_back(std::make_unique<Client>(workers.old.http()));
        REQUIRE(answers(workers.old, *clients.back(), "one"));
    }
    for (const auto& client : clients) client->send("tw");
    REQUIRE(workers.reload());
    workers.open_inbox();
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : clients) {
        client->send("o\n");
        const std::string two = answer(workers.next, "two");
        CHECK(client->receive_bytes(two.size()) == two);
    }
}

TEST_CASE("the worker in Python is ready although its channel cannot travel yet, and opens it when it can") {
    sup::test::InFlight too_many;
    FakeMasterOptions unprivileged = runs(PYTHON_WORKER);
    unprivileged.descriptor_limit = 64;
    unprivileged.few_privileges = true;
    FakeMaster master(unprivileged);
    CHECK(master.notification() == "READY=1");
    CHECK_FALSE(master.has_channel());
    Client client(master.http());
    CHECK(answers(master, client, "one"));
    too_many.land();
    CHECK(master.notification() == "X_SUP_CHANNEL=1");
    REQUIRE(master.has_channel());
    REQUIRE(master.send(stop_packet));
    master.signal(SIGTERM);
    CHECK(client.ended_in_order());
    CHECK(master.exit_code() == 0);
}

TEST_CASE("the worker in Python takes what is in a closed inbox, and comes to rest") {
    TwoWorkers workers(runs(PYTHON_WORKER), 0, runs(PYTHON_WORKER));
    Client client(workers.old.http());
    REQUIRE(answers(workers.old, client, "one"));
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    workers.inbox.close();
    workers.open_inbox();
    CHECK(answers(workers.next, client, "two"));
    CHECK(comes_to_rest(workers.next.pid()));
    CHECK(answers(workers.next, client, "three"));
}

TEST_CASE("the worker in Python that finds the inbox closed hands over when there is another one") {
    InboxPair closed;
    TwoWorkers workers(runs(PYTHON_WORKER), 0, runs(PYTHON_WORKER));
    workers.open_inbox();
    Client client(workers.old.http());
    REQUIRE(answers(workers.old, client, "one"));
    client.send("tw");  // so that it is not ended as idle before
    closed.close();
    REQUIRE(reload_into(workers.old, closed));
    REQUIRE(workers.old.send(reload_packet, {workers.inbox.sender.get()}));
    CHECK(workers.old.exit_code() == 0);
    client.send("o\n");
    const std::string two = answer(workers.next, "two");
    CHECK(client.receive_bytes(two.size()) == two);
}

TEST_CASE("the worker in Python leaves its inbox, while it is open, to the peers that stay") {
    TwoWorkers workers(runs(PYTHON_WORKER), 0, runs(PYTHON_WORKER));
    FakeMaster before(runs(PYTHON_WORKER));
    REQUIRE(before.wait_until_ready());
    Client client(before.http());
    REQUIRE(answers(before, client, "one"));
    Client kept(workers.old.http());
    REQUIRE(answers(workers.old, kept, "one"));
    REQUIRE(give_inbox(workers.old, workers.inbox));
    REQUIRE(workers.old.send(R"({"type":"drain","listeners":["http"],"retired":[]})"));
    workers.old.signal(SIGTERM);
    REQUIRE(kept.ended_in_order());  // so it drains, and waits for this client to end its side, too
    REQUIRE(reload_into(before, workers.inbox));
    CHECK(before.exit_code() == 0);
    CHECK(workers.old.exit_code() == 0);
    workers.open_inbox();
    CHECK(answers(workers.next, client, "two"));
}

TEST_CASE("the worker in Python ends in order what it cannot use, and what nobody takes") {
    TwoWorkers workers(runs(PYTHON_WORKER), 0, runs(PYTHON_WORKER));
    workers.open_inbox();
    Client kept(workers.old.http());
    REQUIRE(answers(workers.old, kept, "one"));
    REQUIRE(workers.inbox.put("nonsense", {}));
    Client odd(workers.old.admin());
    REQUIRE(workers.old.send(stop_packet));
    workers.old.signal(SIGTERM);
    CHECK(kept.ended_in_order());
    CHECK(odd.ended_in_order());
    CHECK(workers.old.exit_code() == 0);
    CHECK(workers.next.running());
}
#endif
