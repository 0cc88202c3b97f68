#include "master/control/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <vector>

#include "master/control/protocol.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/control/world.h"

using namespace sup::control;
using namespace sup::control::test;
using nlohmann::json;

namespace {

// The loop would not sleep now: epoll has something to tell.
bool busy(World& world) {
    pollfd events{uv_backend_fd(world.loop.get()), POLLIN, 0};
    return ::poll(&events, 1, 0) != 0;
}

std::ptrdiff_t open_descriptors() {
    const std::filesystem::directory_iterator descriptors{"/proc/self/fd"};
    return std::distance(begin(descriptors), end(descriptors));
}

}  // namespace

TEST_CASE("a call is answered with its own id") {
    World world;
    RawClient client{world};
    client.send(call(7, "status"));
    CHECK(client.receive() == json{{"jsonrpc", "2.0"}, {"id", 7}, {"result", {{"name", "hello"}}}});
}

TEST_CASE("requests may come in pieces and several at once") {
    World world;
    RawClient client{world};
    for (const char byte : call(1, "status")) client.send(std::string(1, byte));
    client.send(call(2, "status") + call(3, "status") + call(4, "sta").substr(0, 10));
    CHECK(client.receive()["id"] == 1);
    CHECK(client.receive()["id"] == 2);
    CHECK(client.receive()["id"] == 3);
    client.send(call(4, "status").substr(10));
    CHECK(client.receive()["id"] == 4);
}

TEST_CASE("a caller that waits sees the events before its result, and nobody else does") {
    World world;
    RawClient waiting{world};
    RawClient other{world};
    waiting.send(call(1, "reload", R"({"wait":"drained"})"));
    REQUIRE(world.until([&] { return world.master.reloads.size() == 1; }));
    CHECK(world.master.waits.front() == sup::core::WaitFor::drained);
    other.send(call(1, "status"));
    CHECK(other.receive()["id"] == 1);

    world.server->broadcast(text({{"type", "worker_ready"}, {"ready", 1}}));
    world.master.reloads.front()(text({{"outcome", "promoted"}}));
    world.server->broadcast(text({{"type", "generation"}}));

    const json event = waiting.receive();
    CHECK(event["method"] == "event");
    CHECK(event["params"]["ready"] == 1);
    CHECK_FALSE(event.contains("id"));
    CHECK(waiting.receive()["result"]["outcome"] == "promoted");
    for (auto* client : {&waiting, &other}) {
        client->send(call(2, "status"));
        CHECK(client->receive()["id"] == 2);
    }
}

TEST_CASE("a subscriber gets every event") {
    World world;
    RawClient client{world};
    client.send(call(1, "subscribe"));
    CHECK(client.receive()["result"]["subscribed"] == true);
    for (int number = 0; number < 3; ++number)
        world.server->broadcast(text({{"type", "log"}, {"number", number}}));
    for (int number = 0; number < 3; ++number) CHECK(client.receive()["params"]["number"] == number);
}

TEST_CASE("a call without an id is done and not answered") {
    World world;
    RawClient client{world};
    client.send(R"({"jsonrpc":"2.0","method":"stop","params":{"now":true}})"
                "\n");
    REQUIRE(world.until([&] { return world.master.stopped_now == true; }));
    world.master.stops.front()(text({{"stopped", true}}));
    world.server->broadcast(text({{"type", "log"}}));
    client.send(call(5, "status"));
    CHECK(client.receive()["id"] == 5);
}

TEST_CASE("a call has one answer, however often it is given") {
    World world;
    RawClient client{world};
    client.send(call(1, "stop"));
    REQUIRE(world.until([&] { return !world.master.stops.empty(); }));
    world.master.stops.front()(text({{"stopped", true}}));
    world.master.stops.front()(text({{"stopped", "again"}}));
    client.send(call(2, "status"));
    CHECK(client.receive()["id"] == 1);
    CHECK(client.receive()["id"] == 2);
}

TEST_CASE("an answer to a client that has gone is lost, and nothing else") {
    World world;
    {
        RawClient client{world};
        client.send(call(1, "reload") + call(2, "reload"));
        REQUIRE(world.until([&] { return world.master.reloads.size() == 2; }));
    }
    world.master.reloads[0](text({{"outcome", "promoted"}}));
    RawClient next{world};
    next.send(call(1, "status"));
    CHECK(next.receive()["id"] == 1);
    world.server.reset();
    world.master.reloads[1](text({{"outcome", "promoted"}}));
}

TEST_CASE("a client that has finished sending still gets its answers, and is then let go") {
    World world;
    RawClient client{world};
    client.send(call(1, "reload") + call(2, "status"));
    client.finish_sending();
    CHECK(client.receive()["id"] == 2);
    world.master.reloads.at(0)(text({{"outcome", "promoted"}}));
    CHECK(client.receive()["id"] == 1);
    CHECK(client.at_end());
}

TEST_CASE("a request that is not understood is answered, and the next one served") {
    World world;
    RawClient client{world};
    client.send("nonsense\n" + call(2, "status"));
    CHECK(client.receive()["error"]["code"] == -32700);
    CHECK(client.receive()["id"] == 2);
}

TEST_CASE("a line without an end is refused when it is longer than a request may be") {
    World world;
    RawClient client{world};
    client.send(std::string(max_request_bytes + 1, 'x'));
    CHECK(client.receive()["error"]["code"] == -32600);
    CHECK(client.at_end());
}

TEST_CASE("one client more than allowed takes the place of the oldest that waits for nothing") {
    World world{{.clients = 2}};
    RawClient oldest{world};
    RawClient other{world};
    for (auto* client : {&oldest, &other}) {
        client->send(call(1, "status"));
        CHECK(client->receive()["id"] == 1);
    }
    RawClient late{world};
    late.send(call(2, "status"));
    CHECK(late.receive()["id"] == 2);
    CHECK(oldest.receive()["error"]["code"] == -32002);
    CHECK(oldest.at_end());
    other.send(call(3, "status"));
    CHECK(other.receive()["id"] == 3);
}

TEST_CASE("a subscriber makes room for another client where nobody is idle, and one that waits never does") {
    World world{{.clients = 1}};
    RawClient waiting{world};
    waiting.send(call(1, "reload"));
    REQUIRE(world.until([&] { return world.master.reloads.size() == 1; }));
    RawClient subscriber{world};
    subscriber.send(call(1, "subscribe"));
    CHECK(subscriber.receive()["id"] == 1);

    RawClient stopping{world};
    stopping.send(call(2, "stop"));
    REQUIRE(world.until([&] { return world.master.stops.size() == 1; }));
    CHECK(subscriber.receive()["error"]["code"] == -32002);
    CHECK(subscriber.at_end());

    world.master.reloads.front()(text({{"outcome", "promoted"}}));
    CHECK(waiting.receive()["id"] == 1);
    RawClient late{world};
    late.send(call(3, "status"));
    CHECK(late.receive()["id"] == 3);
    CHECK(waiting.receive()["error"]["code"] == -32002);
    world.master.stops.front()(text({{"stopped", true}}));
    CHECK(stopping.receive()["id"] == 2);
}

TEST_CASE("however many wait for a reload, others are let in, and a stop is waited for, too") {
    World world{{.clients = 1, .waiters = 2}};
    std::vector<std::unique_ptr<RawClient>> waiting;
    for (std::size_t count = 1; count <= 2; ++count) {
        waiting.push_back(std::make_unique<RawClient>(world));
        waiting.back()->send(call(1, "reload"));
        REQUIRE(world.until([&] { return world.master.reloads.size() == count; }));
    }
    RawClient asking{world};
    asking.send(call(2, "status"));
    CHECK(asking.receive()["id"] == 2);
    RawClient stopping{world};
    stopping.send(call(3, "stop"));
    REQUIRE(world.until([&] { return world.master.stops.size() == 1; }));
    world.master.stops.front()(text({{"stopped", true}}));
    CHECK(stopping.receive()["result"]["stopped"] == true);
    for (std::size_t index = 0; index < 2; ++index) {
        world.master.reloads[index](text({{"outcome", "failed"}}));
        CHECK(waiting[index]->receive()["result"]["outcome"] == "failed");
    }
}

TEST_CASE("a reload that one too many would wait for is done all the same, and that is what it is told") {
    World world{{.clients = 1, .waiters = 1}};
    RawClient waiting{world};
    waiting.send(call(1, "reload") + call(2, "reload"));  // one client, however often it asks
    REQUIRE(world.until([&] { return world.master.reloads.size() == 2; }));
    RawClient late{world};
    late.send(call(3, "reload") + call(4, "status"));
    const json told = late.receive();
    CHECK(told["id"] == 3);
    CHECK(told["error"]["code"] == -32003);
    CHECK(world.master.reloads.size() == 3);
    CHECK(late.receive()["id"] == 4);
    for (const auto& reply : std::vector(world.master.reloads)) reply(text({{"outcome", "promoted"}}));
    CHECK(waiting.receive()["id"] == 1);
    CHECK(waiting.receive()["id"] == 2);
    late.send(call(5, "reload"));
    REQUIRE(world.until([&] { return world.master.reloads.size() == 4; }));
    world.master.reloads.back()(text({{"outcome", "promoted"}}));
    CHECK(late.receive()["id"] == 5);
}

TEST_CASE("those who wait leave half of the descriptors to the next generation") {
    World world{{.clients = 1}};
    RawClient first{world};
    first.send(call(1, "reload"));
    REQUIRE(world.until([&] { return world.master.reloads.size() == 1; }));
    const sup::UniqueFd probe{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit tight{static_cast<rlim_t>(probe.get()) * 2, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    RawClient second{world};
    second.send(call(2, "reload"));
    const json told = second.receive();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(told["error"]["code"] == -32003);
    RawClient third{world};
    third.send(call(3, "reload"));
    REQUIRE(world.until([&] { return world.master.reloads.size() == 3; }));
    world.master.reloads.back()(text({{"outcome", "promoted"}}));
    CHECK(third.receive()["id"] == 3);
}

TEST_CASE("who has already asked is answered before its place is given away") {
    World world{{.clients = 2}};
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int id = 1; id <= 6; ++id) {
        clients.push_back(std::make_unique<RawClient>(world));
        clients.back()->send(call(id, "status"));
    }
    for (int id = 1; id <= 6; ++id) CHECK(clients[static_cast<std::size_t>(id - 1)]->receive()["id"] == id);
}

TEST_CASE("the master may close and destroy the server for a request that came before another client") {
    World world{{.clients = 1}};
    world.master.on_stop = [&] {
        world.server->close();
        world.server.reset();
    };
    RawClient first{world};
    RawClient second{world};
    first.send(call(1, "stop"));
    CHECK(second.at_end());
    CHECK(first.at_end());
}

TEST_CASE("a subscriber that does not read is dropped, and holds up nobody") {
    World world{{.unread_bytes = 64 * 1024}};
    RawClient lazy{world};
    RawClient keen{world};
    for (auto* client : {&lazy, &keen}) {
        client->send(call(1, "subscribe"));
        CHECK(client->receive()["id"] == 1);
    }
    const std::string message(1000, 'x');
    constexpr int events = 2000;  // 2 MB: more than a socket's buffer and the limit
    for (int number = 0; number < events; ++number) {
        world.server->broadcast(text({{"type", "log"}, {"message", message}, {"number", number}}));
        REQUIRE(keen.receive()["params"]["number"] == number);
    }
    CHECK(lazy.at_end());
}

TEST_CASE("an answer of any size arrives whole") {
    World world;
    world.master.status_result = {{"text", std::string(5'000'000, 'x')}};
    RawClient client{world};
    client.send(call(1, "status"));
    CHECK(client.receive()["result"] == world.master.status_result);
}

TEST_CASE("a client that asks without reading is not asked on, and loses no answer") {
    World world;
    world.master.status_result = {{"text", std::string(100'000, 'x')}};
    RawClient client{world};
    constexpr int calls = 100;
    std::string requests;
    for (int id = 1; id <= calls; ++id) requests += call(id, "status");
    client.send(requests);
    REQUIRE(world.until([&] { return world.master.status_calls > 0; }));
    for (int turn = 0; turn < 1000; ++turn) uv_run(world.loop.get(), UV_RUN_NOWAIT);
    CHECK(world.master.status_calls < calls / 2);
    for (int id = 1; id <= calls; ++id) REQUIRE(client.receive()["id"] == id);
}

TEST_CASE("a client that asks for very much at once is asked in turns with the others") {
    World world;
    RawClient greedy{world};
    RawClient modest{world};
    std::string requests;
    for (int id = 0; id < 500; ++id) requests += call(id, "status");
    greedy.send(requests);
    modest.send(call(1, "status"));
    CHECK(modest.receive()["id"] == 1);
    CHECK(world.master.status_calls < 100);
    for (int id = 0; id < 500; ++id) CHECK(greedy.receive()["id"] == id);
}

TEST_CASE("a client with many calls open is not asked on until some are done, and loses none") {
    const bool answered = GENERATE(true, false);
    World world;
    RawClient client{world};
    constexpr std::size_t calls = 200;
    std::string requests;
    for (std::size_t id = 1; id <= calls; ++id) {
        requests += answered ? call(static_cast<int>(id), "reload")
                             : R"({"jsonrpc":"2.0","method":"reload","params":{}})"
                               "\n";
    }
    client.send(requests);
    client.finish_sending();
    REQUIRE(world.until([&] { return world.master.reloads.size() >= 64; }));
    for (int turn = 0; turn < 100; ++turn) uv_run(world.loop.get(), UV_RUN_NOWAIT);
    CHECK(world.master.reloads.size() == 64);
    CHECK_FALSE(busy(world));

    for (std::size_t done = 0; done < calls; ++done) {
        REQUIRE(world.until([&] { return world.master.reloads.size() > done; }));
        world.master.reloads[done](text({{"outcome", "promoted"}}));
        if (answered) REQUIRE(client.receive()["id"] == done + 1);
    }
    CHECK(client.at_end());
    CHECK(world.master.reloads.size() == calls);
}

TEST_CASE("a client that waits and hangs up is noticed, and one that only finished sending wakes nobody") {
    const int calls = GENERATE(1, 100);  // 100: no more is read from it
    const bool finished = GENERATE(true, false);
    const bool event_unread = GENERATE(true, false);
    World world;
    const auto before = open_descriptors();
    RawClient client{world};
    std::string requests;
    for (int id = 1; id <= calls; ++id) requests += call(id, "reload");
    client.send(requests);
    if (finished) client.finish_sending();
    REQUIRE(world.until([&] {
        return world.master.reloads.size() >= std::min(static_cast<std::size_t>(calls), std::size_t{64});
    }));
    if (event_unread) world.server->broadcast(text({{"type", "log"}}));
    for (int turn = 0; turn < 100; ++turn) uv_run(world.loop.get(), UV_RUN_NOWAIT);
    CHECK_FALSE(busy(world));
    client.leave();
    CHECK(world.until([&] { return open_descriptors() == before; }));
}

TEST_CASE("closing delivers what was answered, removes the path and hangs up") {
    World world;
    RawClient client{world};
    client.send(call(1, "stop"));
    REQUIRE(world.until([&] { return !world.master.stops.empty(); }));
    world.master.stops.front()(text({{"stopped", true}}));
    world.server->close();
    CHECK_FALSE(RawClient(world).connected());
    CHECK(::access(world.path().c_str(), F_OK) != 0);
    CHECK(client.receive()["result"]["stopped"] == true);
    CHECK(client.at_end());
}

TEST_CASE("a client that does not read cannot hold up the end for long") {
    World world;
    world.master.status_result = {{"text", std::string(1'000'000, 'x')}};
    RawClient client{world};
    client.send(call(1, "status"));
    REQUIRE(world.until([&] { return world.master.status_calls == 1; }));
    world.server->close();
    world.server.reset();
    SUCCEED("it came back");
}

TEST_CASE("the master may close and destroy the server while it answers") {
    World world;
    RawClient client{world};
    world.master.on_stop = [&] {
        world.master.stops.front()(text({{"stopped", true}}));
        world.server->close();
        world.server.reset();
    };
    client.send(call(1, "stop") + call(2, "status"));
    CHECK(client.receive()["result"]["stopped"] == true);
    CHECK(client.at_end());
    CHECK(world.master.status_calls == 0);
}

TEST_CASE("the socket is for its owner, and replaces one that a dead master left") {
    World world;
    struct stat status {};
    REQUIRE(::stat(world.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);

    FakeMaster successor;
    successor.status_result = {{"name", "successor"}};
    auto replaced = ControlServer::listen(world.loop.get(), world.path(), successor);
    REQUIRE(replaced.ok());
    RawClient client{world};
    client.send(call(1, "status"));
    CHECK(client.receive()["result"]["name"] == "successor");

    world.server->close();  // it must not take its successor's path away
    CHECK(RawClient(world).connected());
}

TEST_CASE("another user is not served") {
    if (::geteuid() != 0) return sup::test::skip("only root can be somebody else");
    World world;
    REQUIRE(::chmod(world.directory.path().c_str(), 0711) == 0);
    REQUIRE(::chmod(world.path().c_str(), 0666) == 0);
    constexpr uid_t nobody = 65534;
    REQUIRE(::seteuid(nobody) == 0);
    RawClient client{world};
    REQUIRE(::seteuid(0) == 0);
    REQUIRE(client.connected());
    client.send(call(1, "status"));
    CHECK(client.receive()["error"]["code"] == -32001);
    CHECK(client.at_end());
    CHECK(world.master.status_calls == 0);
}

TEST_CASE("a master without a free descriptor turns clients away instead of spinning") {
    World world;
    RawClient early{world};
    early.send(call(1, "status"));
    CHECK(early.receive()["id"] == 1);

    const sup::UniqueFd probe{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit tight{static_cast<rlim_t>(probe.get()) + 2, before.rlim_max};
    std::optional<RawClient> late;
    late.emplace(world);  // takes the last free descriptor, before the server accepts it
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    const json told = late->receive();
    const bool gone = late->at_end();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(told["error"]["code"] == -32002);
    CHECK(gone);
    early.send(call(2, "status"));
    CHECK(early.receive()["id"] == 2);
}

TEST_CASE("a path that is too long for a unix socket is a clear error") {
    sup::uv::Loop loop;
    FakeMaster master;
    const auto server =
        ControlServer::listen(loop.get(), "/tmp/" + std::string(120, 'x') + "/control.sock", master);
    REQUIRE_FALSE(server.ok());
    CHECK_THAT(server.error().message, Catch::Contains("SUP_RUNTIME_DIR"));
}

TEST_CASE("idle, the server watches its listener and nothing else") {
    World world;
    {
        RawClient client{world};
        client.send(call(1, "subscribe"));
        CHECK(client.receive()["id"] == 1);
    }
    const auto active = [&] {
        int count = 0;
        uv_walk(
            world.loop.get(),
            [](uv_handle_t* handle, void* counted) {
                if (uv_is_active(handle) != 0) ++*static_cast<int*>(counted);
            },
            &count);
        return count;
    };
    CHECK(world.until([&] { return active() == 1; }));
}

TEST_CASE("a socket whose file somebody removed is there again, and whoever is connected stays") {
    World world;
    RawClient waiting{world};
    waiting.send(call(1, "reload"));
    REQUIRE(world.until([&] { return world.master.reloads.size() == 1; }));
    RawClient subscriber{world};
    subscriber.send(call(3, "subscribe"));
    CHECK(subscriber.receive()["id"] == 3);
    CHECK(*world.server->restore() == false);
    RawClient in_the_queue{world};  // of the old socket, which nobody has accepted from since
    in_the_queue.send(call(4, "status"));
    REQUIRE(::unlink(world.path().c_str()) == 0);
    CHECK(*world.server->restore() == true);
    CHECK(in_the_queue.receive()["id"] == 4);
    world.server->broadcast(R"({"event":"x"})");
    CHECK(subscriber.receive()["method"] == "event");
    CHECK(waiting.receive()["method"] == "event");

    RawClient newcomer{world};
    newcomer.send(call(2, "status"));
    CHECK(newcomer.receive()["id"] == 2);
    world.master.reloads.front()(text({{"outcome", "promoted"}}));
    CHECK(waiting.receive()["result"]["outcome"] == "promoted");

    world.server->close();
    CHECK_FALSE(std::filesystem::exists(world.path()));
    CHECK(*world.server->restore() == false);
}
