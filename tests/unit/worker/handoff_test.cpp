// Connections that change from one worker process to another, while their clients notice nothing.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/sanitized.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/two_workers.h"
#include "tests/unit/worker/wire.h"

using sup::test::Answer;
using sup::test::Client;
using sup::test::comes_to_rest;
using sup::test::contains;
using sup::test::counter;
using sup::test::eventually;
using sup::test::FakeMaster;
using sup::test::FakeMasterOptions;
using sup::test::get;
using sup::test::give_inbox;
using sup::test::give_row;
using sup::test::greets;
using sup::test::InboxPair;
using sup::test::reload_into;
using sup::test::reload_packet;
using sup::test::request;
using sup::test::stop_packet;
using sup::test::TwoWorkers;

namespace {

using Clients = std::vector<std::unique_ptr<Client>>;

// Each has had an answer, so the worker has them all.
Clients connect(const FakeMaster& master, int count) {
    Clients clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(std::make_unique<Client>(master.http()));
        clients.back()->send(get("/"));
        REQUIRE(contains(clients.back()->receive().body, greets(master)));
    }
    return clients;
}

Answer ask(Client& client) {
    client.send(get("/"));
    return client.receive();
}

std::string post(const std::string& body) {
    return "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

// A user of this test's own: the kernel counts what a user has in flight, and others have something, too.
FakeMasterOptions without_privileges() {
    FakeMasterOptions options;
    options.few_privileges = true;
    if (::geteuid() == 0) options.user = 200'000 + static_cast<uid_t>(::getpid());
    return options;
}

constexpr const char* http_head = R"({"listener":"http","protocol":"http/1.1"})";

}  // namespace

TEST_CASE("idle connections move to the next generation at once, and the old worker ends") {
    TwoWorkers workers;
    workers.open_inbox();
    Clients clients = connect(workers.old, 20);
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : clients) {
        const Answer answer = ask(*client);
        CHECK(contains(answer.body, greets(workers.next)));
        CHECK_FALSE(answer.says_close());
    }
    CHECK(contains(workers.old.standard_error(), "drained: 20 connections handed over"));
    CHECK(counter(workers.board.row(0).handed_over) == 20);
    CHECK(counter(workers.board.row(0).connections) == 0);
    CHECK(counter(workers.board.row(0).accepting) == 0);
    CHECK(counter(workers.board.row(0).requests) == 20);
    CHECK(counter(workers.board.row(0).accepts) == 20);
    CHECK(counter(workers.board.row(1).accepting) == 1);
    CHECK(counter(workers.board.row(1).taken) == 20);
    CHECK(counter(workers.board.row(1).requests) == 20);
    CHECK(counter(workers.board.row(1).connections) == 20);
    clients.clear();
    CHECK(eventually([&] { return counter(workers.board.row(1).connections) == 0; }));
}

TEST_CASE("requests split at every byte across a handoff are answered completely, in order, once each") {
    const std::string all = get("/") + post("some body") + get("/healthz") + post("more");
    TwoWorkers workers;
    workers.open_inbox();
    Clients clients;
    for (std::size_t split = 0; split <= all.size(); ++split) {
        clients.push_back(std::make_unique<Client>(workers.old.http()));
        clients.back()->send(all.substr(0, split));
    }
    // Later than all of those, so the worker has read them when it answers this.
    request(workers.old.http(), get("/"));
    REQUIRE(workers.reload());
    // Nothing but uploads that are half here keeps the old worker.
    CHECK(eventually([&] { return counter(workers.board.row(1).taken) > all.size() / 2; }));
    for (std::size_t split = 0; split <= all.size(); ++split) clients[split]->send(all.substr(split));
    for (std::size_t split = 0; split <= all.size(); ++split) {
        CAPTURE(split);
        Client& client = *clients[split];
        CHECK(contains(client.receive().body, "hello world from"));
        CHECK(client.receive().body == "some body");
        CHECK(client.receive().body == "ok\n");
        CHECK(client.receive().body == "more");
        const Answer after = ask(client);
        CHECK(contains(after.body, greets(workers.next)));
        CHECK_FALSE(after.says_close());
    }
    CHECK(workers.old.exit_code() == 0);
    CHECK(counter(workers.board.row(0).handed_over) == all.size() + 1);
    CHECK(counter(workers.board.row(0).requests) + counter(workers.board.row(1).requests) ==
          5 * (all.size() + 1) + 1);
}

TEST_CASE("a busy connection moves after its current answer, with the requests that wait behind it") {
    TwoWorkers workers;
    workers.open_inbox();
    Client client(workers.old.http());
    client.send(get("/sleep?ms=300") + get("/") + get("/hea"));
    Client idle(workers.old.http());
    REQUIRE(ask(idle).status == 200);
    REQUIRE(workers.reload());
    const Answer first = client.receive();
    CHECK(contains(first.body, greets(workers.old)));
    CHECK_FALSE(first.says_close());
    CHECK(contains(client.receive().body, greets(workers.next)));
    CHECK(client.receive().status == 404);
    CHECK(workers.old.exit_code() == 0);
}

TEST_CASE("a connection moves however many requests wait on it, and all of them are answered") {
    TwoWorkers workers;
    workers.open_inbox();
    const auto repeated = [](std::size_t count) {
        std::string all;
        for (std::size_t i = 0; i < count; ++i) all += get("/healthz");
        return all;
    };
    Client client(workers.old.http());
    // Two reads: what the first one leaves is just not enough for the worker to stop reading.
    client.send(get("/sleep?ms=300") + repeated(350));
    REQUIRE(request(workers.old.http(), get("/")).status == 200);
    client.send(repeated(2400));
    REQUIRE(request(workers.old.http(), get("/")).status == 200);
    REQUIRE(workers.reload());
    CHECK(contains(client.receive().body, greets(workers.old)));
    std::size_t answered = 0;
    for (int i = 0; i < 2750; ++i) {
        const Answer answer = client.receive();
        if (answer.body == "ok\n" && !answer.says_close()) ++answered;
        if (answer.status == 0) break;
    }
    CHECK(answered == 2750);
    CHECK(workers.old.exit_code() == 0);
    CHECK(contains(ask(client).body, greets(workers.next)));
    CHECK(counter(workers.board.row(0).handed_over) == 1);
}

TEST_CASE("half a head moves") {
    TwoWorkers workers;
    workers.open_inbox();
    Client client(workers.old.http());
    const std::string head = get("/", "X-Long: " + std::string(20'000, 'x') + "\r\n");
    client.send(head.substr(0, 15'000));
    REQUIRE(request(workers.old.http(), get("/")).status == 200);
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    client.send(head.substr(15'000));
    CHECK(contains(client.receive().body, greets(workers.next)));
}

TEST_CASE("a streaming answer and a long upload end where they are, and then move") {
    TwoWorkers workers;
    workers.open_inbox();
    Client stream(workers.old.http());
    stream.send(get("/stream?chunks=5&ms=50"));
    Client upload(workers.old.http());
    const std::string body(100'000, 'u');
    const std::string whole = post(body);
    upload.send(whole.substr(0, 50'000));
    REQUIRE(request(workers.old.http(), get("/")).status == 200);
    REQUIRE(workers.reload());
    const Answer streamed = stream.receive();
    CHECK(streamed.body == "chunk 1\nchunk 2\nchunk 3\nchunk 4\nchunk 5\n");
    CHECK_FALSE(streamed.says_close());
    CHECK(contains(ask(stream).body, greets(workers.next)));
    CHECK(workers.old.running());
    upload.send(whole.substr(50'000));
    CHECK(upload.receive().body == body);
    CHECK(contains(ask(upload).body, greets(workers.next)));
    CHECK(workers.old.exit_code() == 0);
    CHECK(counter(workers.board.row(0).handed_over) == 2);
}

TEST_CASE("a full inbox is waited for, without haste, and meanwhile the old worker serves") {
    TwoWorkers workers({}, 4608);
    Clients clients = connect(workers.old, 60);
    REQUIRE(workers.reload());
    CHECK(eventually([&] { return counter(workers.board.row(0).handed_over) > 0; }));
    CHECK(comes_to_rest(workers.old.pid()));
    const std::uint64_t gone = counter(workers.board.row(0).handed_over);
    CHECK(gone < clients.size());
    // Which of them still are with the old worker only their answers tell.
    for (const auto& client : clients) client->send(get("/"));
    CHECK(eventually([&] { return counter(workers.board.row(0).requests) == 120 - gone; }));
    CHECK(workers.old.running());
    workers.open_inbox();
    std::size_t by_old = 0;
    for (const auto& client : clients) {
        const Answer answer = client->receive();
        CHECK(answer.status == 200);
        CHECK_FALSE(answer.says_close());
        if (contains(answer.body, greets(workers.old))) ++by_old;
    }
    CHECK(by_old == clients.size() - gone);
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
    CHECK(counter(workers.board.row(0).handed_over) == clients.size());
}

TEST_CASE("too many descriptors in flight for a user without privileges are waited for, and none is lost",
          "[alone]") {
    FakeMasterOptions unprivileged = without_privileges();
    TwoWorkers workers({}, 0, unprivileged);
    Clients clients = connect(workers.old, 60);
    // From here on fewer may be in flight than it has connections (unix(7), ETOOMANYREFS).
    REQUIRE(workers.old.limit_descriptors(20));
    REQUIRE(workers.reload());
    CHECK(eventually([&] { return counter(workers.board.row(0).handed_over) > 0; }));
    for (int i = 0; i < 20; ++i) sup::test::pause_briefly();
    CHECK(counter(workers.board.row(0).handed_over) < 60);
    CHECK(workers.old.running());
    workers.open_inbox();
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
    CHECK(counter(workers.board.row(0).handed_over) == 60);
}

TEST_CASE("connections in flight leave room for the channel of a worker that could take them", "[alone]") {
    FakeMasterOptions unprivileged = without_privileges();
    TwoWorkers workers({}, 0, unprivileged);
    Clients clients = connect(workers.old, 60);
    REQUIRE(workers.old.limit_descriptors(40));
    REQUIRE(workers.reload());
    CHECK(eventually([&] { return counter(workers.board.row(0).handed_over) > 0; }));
    for (int i = 0; i < 20; ++i) sup::test::pause_briefly();
    CHECK(counter(workers.board.row(0).handed_over) < 40);
    // Nothing is taken out of the inbox before this one has said that it takes.
    unprivileged.descriptor_limit = 40;
    FakeMaster taker(unprivileged);
    while (!taker.has_channel()) REQUIRE_FALSE(taker.notification().empty());
    workers.open_inbox();
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
}

TEST_CASE("when nobody reads the inbox any more, connections are drained politely") {
    TwoWorkers workers;
    Clients clients = connect(workers.old, 3);
    workers.inbox.receiver.reset();
    REQUIRE(workers.reload());
    CHECK(eventually([&] { return contains(workers.old.standard_error(), "inbox is closed"); }));
    for (const auto& client : clients) {
        const Answer answer = ask(*client);
        CHECK(contains(answer.body, greets(workers.old)));
        CHECK(answer.says_close());
        CHECK(client->ended_in_order());
    }
    clients.clear();
    CHECK(workers.old.exit_code() == 0);
    CHECK(counter(workers.board.row(0).handed_over) == 0);
    CHECK(counter(workers.board.row(0).drained) == 3);
}

TEST_CASE("connections of a listener that the successor does not have are drained politely, others move") {
    TwoWorkers workers;
    workers.open_inbox();
    Clients moving = connect(workers.old, 2);
    Client staying(workers.old.admin());
    REQUIRE(ask(staying).status == 200);
    REQUIRE(workers.old.send(R"({"type":"drain","listeners":["http"],"retired":["admin"]})",
                             {workers.inbox.sender.get()}));
    workers.old.signal(SIGTERM);
    CHECK(eventually([&] { return counter(workers.board.row(0).handed_over) == 2; }));
    for (const auto& client : moving) CHECK(contains(ask(*client).body, greets(workers.next)));
    CHECK(ask(staying).says_close());
    CHECK(staying.ended_in_order());
}

TEST_CASE("the queue of a retired listener is accepted and handed over, when the successor has its name") {
    TwoWorkers workers;
    workers.open_inbox();
    workers.old.signal(SIGSTOP);
    Clients queued;
    for (int i = 0; i < 20; ++i) {
        queued.push_back(std::make_unique<Client>(workers.old.http()));
        queued.back()->send(get("/"));
    }
    REQUIRE(workers.old.send(R"({"type":"drain","listeners":["http"],"retired":["http"]})",
                             {workers.inbox.sender.get()}));
    workers.old.signal(SIGTERM);
    workers.old.signal(SIGCONT);
    for (const auto& client : queued) {
        const Answer answer = client->receive();
        CHECK(answer.status == 200);
        CHECK_FALSE(answer.says_close());
    }
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : queued) CHECK(contains(ask(*client).body, greets(workers.next)));
}

TEST_CASE("a connection that comes blocking from the inbox holds up nobody") {
    TwoWorkers workers;
    workers.open_inbox();
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const sup::UniqueFd client(ends[0]);
    const sup::UniqueFd blocking(ends[1]);
    // Its answer is more than the buffers hold, and the client reads nothing of it.
    const int small = 4096;
    REQUIRE(::setsockopt(blocking.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    REQUIRE(workers.inbox.put(std::string(http_head) +
                                  "\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" +
                                  std::string(60'000, 'x'),
                              {blocking.get()}));
    CHECK(eventually([&] { return counter(workers.board.row(1).taken) == 1; }));
    Client other(workers.next.http());
    other.send(get("/"));
    CHECK(other.receive().status == 200);
}

TEST_CASE("a client whose connection nobody takes is waited for, but not for ever") {
    TwoWorkers workers;
    workers.open_inbox();
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const sup::UniqueFd client(ends[0]);
    {
        const sup::UniqueFd socket(ends[1]);
        REQUIRE(workers.inbox.put(R"({"listener":"http","protocol":"other/1"})"
                                  "\n",
                                  {socket.get()}));
    }
    char byte = 0;
    CHECK(::recv(client.get(), &byte, 1, 0) == 0);
    const auto send_one = [&] { return ::send(client.get(), "x", 1, MSG_NOSIGNAL); };
    CHECK(send_one() == 1);
    CHECK(eventually([&] { return send_one() < 0; }));
}

TEST_CASE("what is not a connection is closed and not touched, and those behind it are taken") {
    TwoWorkers workers;
    Clients clients = connect(workers.old, 1);
    const InboxPair& inbox = workers.inbox;
    const std::string head = std::string(http_head) + "\n";
    const auto made = [](int domain, int type) {
        return sup::UniqueFd(::socket(domain, type | SOCK_CLOEXEC, 0));
    };
    const sup::UniqueFd datagrams = made(AF_INET, SOCK_DGRAM);
    const sup::UniqueFd unix_datagrams = made(AF_UNIX, SOCK_DGRAM);
    const sup::UniqueFd never_connected = made(AF_INET, SOCK_STREAM);
    const sup::UniqueFd never_connected_unix = made(AF_UNIX, SOCK_STREAM);
    const sup::UniqueFd unix_listener = made(AF_UNIX, SOCK_STREAM);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    REQUIRE(::bind(unix_listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof(sa_family_t)) == 0);
    REQUIRE(::listen(unix_listener.get(), 4) == 0);
    InboxPair packets;
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    const sup::UniqueFd reader(pipe[0]);
    const sup::UniqueFd writer(pipe[1]);
    const sup::UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    for (const int odd : {datagrams.get(), unix_datagrams.get(), never_connected.get(),
                          never_connected_unix.get(), unix_listener.get(), workers.next.listener(),
                          packets.sender.get(), reader.get(), writer.get(), file.get()}) {
        CHECK(inbox.put(head, {odd}));
        CHECK(inbox.put("", {odd}));
        CHECK(inbox.put(head, {odd, odd}));
        CHECK(inbox.put(""));
    }
    REQUIRE(workers.reload());
    REQUIRE(eventually([&] { return counter(workers.board.row(0).handed_over) == 1; }));
    inbox.close();  // so that an empty packet could be taken for the end
    workers.open_inbox();
    CHECK(contains(ask(*clients[0]).body, greets(workers.next)));
    CHECK(comes_to_rest(workers.next.pid()));
    CHECK(contains(workers.next.standard_error(), "is not a connection"));
    // Listeners are still what they were, and so are the others.
    CHECK(request(workers.next.http(), get("/")).status == 200);
    sockaddr_un bound{};
    socklen_t size = sizeof bound;
    REQUIRE(::getsockname(unix_listener.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    CHECK(::connect(never_connected_unix.get(), reinterpret_cast<sockaddr*>(&bound), size) == 0);
    CHECK(packets.put("x"));
    CHECK(::write(writer.get(), "x", 1) == 1);
}

TEST_CASE("heads of every wrong kind end their connection in order, and no other") {
    const std::string wrong = GENERATE(
        R"({"listener":"http","protocol":"http/1)", R"({"listener":"http"})",
        R"({"listener":1,"protocol":"http/1.1"})", R"([])", R"("http")",
        R"({"listener":"http","protocol":null})", R"({"listener":"http","protocol":"http/1.1","state":"4"})",
        R"({"listener":"http","protocol":"http/1.1","state":-1})",
        R"({"listener":"http","protocol":"http/1.1","state":18446744073709551615})",
        R"({"listener":"http","protocol":"http/1.1","state":1})",
        R"({"listener":"http","protocol":"http/1.1","version":0.5})",
        R"({"listener":"http","protocol":"http/1.1","version":4294967296})",
        R"({"listener":"http","protocol":"http/1.1","version":2})",
        R"({"listener":")" + std::string(60'000, 'n') + R"(","protocol":"http/1.1"})",
        "{\"listener\":\"\xff\"}", std::string(1000, '['));
    CAPTURE(wrong.substr(0, 100));
    TwoWorkers workers;
    workers.open_inbox();
    workers.old.signal(SIGSTOP);
    Client odd(workers.old.admin());
    Client next(workers.old.admin());
    const auto accepted = [&] {
        return sup::UniqueFd(::accept4(workers.old.admin_listener(), nullptr, nullptr, SOCK_CLOEXEC));
    };
    CHECK(workers.inbox.put(wrong + "\n", {accepted().get()}));
    CHECK(workers.inbox.put(std::string(http_head) + "\n" + get("/"), {accepted().get()}));
    CHECK(odd.ended_in_order());
    CHECK(contains(next.receive().body, greets(workers.next)));
    CHECK(contains(workers.next.standard_error(), "inbox: a "));
}

TEST_CASE("a client that has gone while its connection was in the inbox costs nothing") {
    TwoWorkers workers;
    Clients clients = connect(workers.old, 2);
    REQUIRE(workers.reload());
    REQUIRE(eventually([&] { return counter(workers.board.row(0).handed_over) == 2; }));
    const linger reset{1, 0};
    ::setsockopt(clients[0]->fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    clients.erase(clients.begin());
    workers.open_inbox();
    CHECK(contains(ask(*clients[0]).body, greets(workers.next)));
    CHECK(eventually([&] { return counter(workers.board.row(1).connections) == 1; }));
    CHECK_FALSE(contains(workers.next.standard_error(), "is not a connection"));
}

TEST_CASE("packets that nobody can understand are told of, and their connections end in order") {
    TwoWorkers workers;
    workers.open_inbox();
    Clients clients = connect(workers.old, 4);
    // The test takes connections itself, to send them on as no worker would.
    std::vector<sup::UniqueFd> accepted;
    workers.old.signal(SIGSTOP);
    Clients odd;
    for (int i = 0; i < 6; ++i) {
        odd.push_back(std::make_unique<Client>(workers.old.admin()));
        accepted.emplace_back(::accept4(workers.old.admin_listener(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(accepted.back());
    }
    const std::string line(http_head);
    const InboxPair& inbox = workers.inbox;
    CHECK(inbox.put("nonsense", {accepted[0].get()}));
    CHECK(inbox.put(line, {accepted[1].get()}));  // without the line's end
    CHECK(inbox.put(line + "\n", {accepted[2].get(), accepted[3].get()}));
    CHECK(inbox.put(R"({"listener":"http","protocol":"gopher"})"
                    "\n",
                    {accepted[4].get()}));
    CHECK(inbox.put(line + "\n"));
    CHECK(inbox.put("", {}));
    const sup::UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
    CHECK(inbox.put(line + "\n", {file.get()}));
    // Of a listener that it does not know, but it serves all.
    CHECK(inbox.put(R"({"listener":"old-name","protocol":"http/1.1"})"
                    "\n" +
                        get("/"),
                    {accepted[5].get()}));
    accepted.clear();
    workers.old.signal(SIGCONT);
    CHECK(contains(odd[5]->receive().body, greets(workers.next)));
    for (std::size_t i = 0; i < 5; ++i) {
        CAPTURE(i);
        CHECK(odd[i]->ended_in_order());
    }
    CHECK(contains(workers.next.standard_error(), "is not a connection"));
    CHECK(contains(workers.next.standard_error(), "gopher"));
    // And it goes on.
    REQUIRE(workers.reload());
    CHECK(eventually([&] { return counter(workers.board.row(0).handed_over) == 4; }));
    for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
    odd.clear();
    clients.clear();
    CHECK(eventually([&] { return counter(workers.board.row(1).connections) <= 1; }));
}

TEST_CASE("a client that goes while its connection is on its way does no harm") {
    TwoWorkers workers;
    workers.open_inbox();
    Clients clients = connect(workers.old, 20);
    workers.next.signal(SIGSTOP);
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    for (std::size_t i = 0; i < 10; ++i) clients[i].reset();
    workers.next.signal(SIGCONT);
    CHECK(eventually([&] { return counter(workers.board.row(1).taken) == 20; }));
    for (std::size_t i = 10; i < 20; ++i) CHECK(contains(ask(*clients[i]).body, greets(workers.next)));
    CHECK(eventually([&] { return counter(workers.board.row(1).connections) == 10; }));
}

TEST_CASE("a receiver without free descriptors leaves connections in the inbox, and none is lost") {
    TwoWorkers workers({.descriptor_limit = 32});
    workers.open_inbox();
    Clients clients = connect(workers.old, 60);
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : clients) client->send(get("/"));
    for (std::size_t i = 0; i < clients.size(); ++i) {
        CAPTURE(i);
        // The last in were the first to be sent; whoever is answered makes room for another.
        CHECK(eventually([&] {
            for (auto& client : clients) {
                if (client == nullptr || !client->has_bytes(0)) continue;
                const Answer answer = client->receive();
                CHECK(contains(answer.body, greets(workers.next)));
                client.reset();
                return true;
            }
            return false;
        }));
    }
    CHECK(counter(workers.board.row(1).taken) == 60);
    CHECK(contains(workers.next.standard_error(), "inbox: Too many open files"));
}

TEST_CASE("connections that have long waited in the inbox find room, and idle ones end in order for it") {
    TwoWorkers workers({.descriptor_limit = 32});
    workers.open_inbox();
    Clients clients = connect(workers.old, 60);
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    CHECK(eventually([&] { return counter(workers.board.row(1).taken) == 60; }));
    std::size_t ended = 0;
    std::size_t served = 0;
    for (const auto& client : clients) {
        if (client->has_bytes(0)) {
            CHECK(client->ended_in_order());
            ++ended;
        } else {
            client->send(get("/"));
            if (client->receive().status == 200) ++served;
        }
    }
    CHECK(ended >= 60 - 32);
    CHECK(ended + served == 60);
    CHECK(served > 0);
}

TEST_CASE("a drainer is sent on when its successor was replaced meanwhile") {
    InboxPair first(4608);
    TwoWorkers workers;
    Clients clients = connect(workers.old, 60);
    REQUIRE(reload_into(workers.old, first));
    CHECK(eventually([&] { return counter(workers.board.row(0).handed_over) > 0; }));
    CHECK(comes_to_rest(workers.old.pid()));
    const std::uint64_t gone = counter(workers.board.row(0).handed_over);
    SECTION("to a newer generation") {
        workers.open_inbox();
        // Offered and closed in one instant: it may look at either first.
        workers.old.signal(SIGSTOP);
        REQUIRE(workers.old.send(reload_packet, {workers.inbox.sender.get()}));
        first.close();
        workers.old.signal(SIGCONT);
        CHECK(workers.old.exit_code() == 0);
        CHECK_FALSE(contains(workers.old.standard_error(), "drained here"));
        CHECK(eventually([&] { return counter(workers.board.row(1).connections) == 60 - gone; }));
        // What is in the first inbox is its owner's; here the master moves it on.
        REQUIRE(give_inbox(workers.next, first));
        for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
        CHECK(counter(workers.board.row(0).handed_over) == 60);
    }
    SECTION("to nobody, because sup stops") {
        REQUIRE(workers.old.send(R"({"type":"drain","listeners":[],"retired":[]})"));
        std::size_t ended = 0;
        for (const auto& client : clients) {
            if (client->has_bytes(0)) continue;
            client->send(get("/"));
        }
        CHECK(eventually(
            [&] { return counter(workers.board.row(0).connections) == 0 || !workers.old.running(); }));
        for (const auto& client : clients) {
            if (client->has_bytes(0) && client->receive().says_close()) ++ended;
        }
        clients.clear();
        CHECK(ended == 60 - gone);
        CHECK(workers.old.exit_code() == 0);
        CHECK(counter(workers.board.row(0).drained) == 60 - gone);
    }
}

TEST_CASE("who finds the inbox closed serves on, and hands over when there is another one") {
    InboxPair closed;
    TwoWorkers workers;
    workers.open_inbox();
    Clients clients = connect(workers.old, 20);
    // Its answer is due when the drain has begun.
    Client busy(workers.old.http());
    busy.send(get("/sleep?ms=200"));
    REQUIRE(request(workers.old.http(), get("/")).status == 200);
    workers.old.signal(SIGSTOP);
    closed.close();
    REQUIRE(workers.old.send(reload_packet, {closed.sender.get()}));
    workers.old.signal(SIGTERM);
    workers.old.signal(SIGCONT);
    CHECK(eventually([&] { return contains(workers.old.standard_error(), "inbox is closed"); }));
    REQUIRE(workers.old.send(reload_packet, {workers.inbox.sender.get()}));
    CHECK(busy.receive().status == 200);
    for (const auto& client : clients) {
        const Answer answer = ask(*client);
        CHECK(contains(answer.body, greets(workers.next)));
        CHECK_FALSE(answer.says_close());
    }
    CHECK(workers.old.exit_code() == 0);
}

TEST_CASE(
    "a worker that leaves its connections to peers takes back what they have not taken when they go too") {
    TwoWorkers workers;
    REQUIRE(give_inbox(workers.old, workers.inbox));
    Clients clients = connect(workers.old, 20);
    auto busy = std::make_unique<Client>(workers.old.http());
    busy->send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab");
    REQUIRE(busy->has_bytes(10'000));  // its answer has begun
    REQUIRE(reload_into(workers.old, workers.inbox));
    CHECK(eventually([&] { return counter(workers.board.row(0).connections) == 1; }));
    CHECK(comes_to_rest(workers.old.pid()));
    // Nobody is left to take the others.
    REQUIRE(workers.old.send(R"({"type":"drain","listeners":["http","admin"],"retired":[]})"));
    workers.inbox.close();
    for (const auto& client : clients) {
        const Answer answer = ask(*client);
        CHECK(contains(answer.body, greets(workers.old)));
        CHECK(answer.says_close());
    }
    busy->send("cd");
    CHECK(busy->receive().body == "abcd");
    busy.reset();  // it keeps its connection for ever, and so its worker
    CHECK(workers.old.exit_code() == 0);
}

TEST_CASE("a worker whose own inbox is closed takes what is in it, and comes to rest") {
    TwoWorkers workers;
    Clients clients = connect(workers.old, 10);
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    workers.inbox.close();
    workers.open_inbox();
    for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
    CHECK(comes_to_rest(workers.next.pid()));
    CHECK(contains(request(workers.next.http(), get("/")).body, greets(workers.next)));
    // And it drains as ever.
    REQUIRE(workers.next.send(stop_packet));
    workers.next.signal(SIGTERM);
    clients.clear();
    CHECK(workers.next.exit_code() == 0);
}

TEST_CASE("what is left in a drainer's own inbox goes on to the successor") {
    TwoWorkers workers;
    workers.open_inbox();
    InboxPair own;
    FakeMaster before;
    REQUIRE(before.wait_until_ready());
    REQUIRE(give_inbox(workers.old, own));
    Clients clients = connect(before, 10);
    workers.old.signal(SIGSTOP);
    REQUIRE(reload_into(before, own));
    CHECK(before.exit_code() == 0);
    own.close();
    SECTION("at a reload") {
        REQUIRE(workers.reload());
        workers.old.signal(SIGCONT);
        CHECK(workers.old.exit_code() == 0);
        for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
        CHECK(counter(workers.board.row(0).taken) == 10);
        CHECK(counter(workers.board.row(0).handed_over) == 10);
    }
    SECTION("or is served, at a stop") {
        for (const auto& client : clients) client->send(get("/"));
        REQUIRE(workers.old.send(stop_packet));
        workers.old.signal(SIGTERM);
        workers.old.signal(SIGCONT);
        for (const auto& client : clients) {
            // Whether it says `close` depends on whether the inbox or the signal was seen first.
            CHECK(contains(client->receive().body, greets(workers.old)));
            CHECK(client->ended_in_order());
        }
        clients.clear();
        CHECK(workers.old.exit_code() == 0);
        CHECK(counter(workers.board.row(0).drained) == 10);
    }
}

TEST_CASE("a drainer leaves its inbox, while it is open, to the peers that stay") {
    TwoWorkers workers;
    InboxPair elsewhere;
    FakeMaster before;
    REQUIRE(before.wait_until_ready());
    REQUIRE(give_inbox(workers.old, workers.inbox));
    workers.open_inbox();  // the peer's
    Clients clients = connect(before, 10);
    Client busy(workers.old.http());
    busy.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab");
    REQUIRE(busy.has_bytes(10'000));  // its answer has begun
    workers.next.signal(SIGSTOP);
    REQUIRE(reload_into(workers.old, elsewhere));
    CHECK(eventually([&] { return counter(workers.board.row(0).accepting) == 0; }));
    REQUIRE(reload_into(before, workers.inbox));
    CHECK(before.exit_code() == 0);
    busy.send("cd");
    CHECK(busy.receive().body == "abcd");
    CHECK(workers.old.exit_code() == 0);
    CHECK(counter(workers.board.row(0).taken) == 0);
    workers.next.signal(SIGCONT);
    for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
}

TEST_CASE("what was left to peers stays theirs when the master dies") {
    TwoWorkers workers;
    REQUIRE(give_inbox(workers.old, workers.inbox));
    Clients clients = connect(workers.old, 20);
    Client busy(workers.old.http());
    busy.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab");
    REQUIRE(busy.has_bytes(10'000));  // its answer has begun
    REQUIRE(reload_into(workers.old, workers.inbox));
    CHECK(eventually([&] { return counter(workers.board.row(0).connections) == 1; }));
    workers.old.close_channel();
    busy.send("cd");
    CHECK(busy.receive().body == "abcd");
    CHECK(workers.old.exit_code() == 0);
    workers.open_inbox();
    for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
}

TEST_CASE("a drainer whose time is up leaves what it could not take to others") {
    FakeMasterOptions short_of_time;
    short_of_time.drain_timeout_ms = "1000";
    TwoWorkers workers({}, 0, short_of_time);
    REQUIRE(give_inbox(workers.old, workers.inbox));
    Clients clients = connect(workers.old, 10);
    const rlimit none{3, 3};
    REQUIRE(::prlimit(workers.old.pid(), RLIMIT_NOFILE, &none, nullptr) == 0);
    FakeMaster before;
    REQUIRE(before.wait_until_ready());
    Clients waiting = connect(before, 5);
    REQUIRE(reload_into(before, workers.inbox));
    CHECK(before.exit_code() == 0);
    workers.inbox.close();
    REQUIRE(workers.old.send(reload_packet));
    workers.old.signal(SIGTERM);
    // It exits without a free descriptor, and LeakSanitizer needs one.
    CHECK((workers.old.exit_code() == 0 || sup::test::sanitized));
    CHECK(counter(workers.board.row(0).taken) == 0);
    // As the master would move them on.
    workers.open_inbox();
    for (const auto& client : waiting) CHECK(contains(ask(*client).body, greets(workers.next)));
}

TEST_CASE("a drainer that waits for room notices that the inbox is closed") {
    TwoWorkers workers({}, 4608);
    Clients clients = connect(workers.old, 60);
    REQUIRE(workers.reload());
    CHECK(eventually([&] { return counter(workers.board.row(0).handed_over) > 0; }));
    CHECK(comes_to_rest(workers.old.pid()));
    workers.inbox.close();
    CHECK(eventually([&] { return contains(workers.old.standard_error(), "inbox is closed"); }));
}

TEST_CASE("a worker whose inbox was closed takes from the one that comes in its place") {
    TwoWorkers workers;
    InboxPair closed;
    REQUIRE(give_inbox(workers.next, closed));
    closed.close();
    workers.open_inbox();
    Clients clients = connect(workers.old, 10);
    REQUIRE(workers.reload());
    CHECK(workers.old.exit_code() == 0);
    for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.next)));
}

TEST_CASE("an overloaded worker puts idle connections back, until its peer has about as many") {
    TwoWorkers workers;  // two peers, here
    REQUIRE(give_inbox(workers.old, workers.inbox));
    workers.open_inbox();
    Clients clients;
    for (int i = 0; i < 64; ++i) clients.push_back(std::make_unique<Client>(workers.old.http()));
    const auto& mine = workers.board.row(0).connections;
    const auto& peers = workers.board.row(1).connections;
    const auto balanced = [&] {
        for (const auto& client : clients) CHECK_FALSE(ask(*client).says_close());
        return counter(mine) + counter(peers) == 64 && counter(mine) <= 38 && counter(peers) <= 38;
    };
    CHECK(eventually(balanced));
    CHECK(comes_to_rest(workers.old.pid()));
    CHECK(balanced());
}

TEST_CASE("connections that were put back are not stranded when the peer is stuck or dead") {
    TwoWorkers workers;
    REQUIRE(give_inbox(workers.old, workers.inbox));
    workers.open_inbox();
    CHECK(eventually([&] { return counter(workers.board.row(1).accepting) == 1; }));
    workers.next.signal(GENERATE(SIGSTOP, SIGKILL));
    Clients clients = connect(workers.old, 64);
    for (int round = 0; round < 5; ++round) {
        for (const auto& client : clients) CHECK(contains(ask(*client).body, greets(workers.old)));
    }
}
