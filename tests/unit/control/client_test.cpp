#include "master/control/client.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <nlohmann/json.hpp>

#include "master/control/socket_address.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/control/world.h"

using namespace sup::control;
using namespace sup::control::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

using Answer = sup::Result<json, CallError>;

// Blocking calls run in a thread of their own while this one turns the loop.
template <typename Function>
auto beside(World& world, Function function, const std::function<void()>& meanwhile = {}) {
    auto result = std::async(std::launch::async, function);
    REQUIRE(world.until([&] {
        if (meanwhile) meanwhile();
        return result.wait_for(0s) == std::future_status::ready;
    }));
    return result.get();
}

Answer call_once(const std::string& path, const std::string& method, Deadline deadline,
                 const OnEvent& on_event = {}) {
    auto client = Client::connect(path, deadline);
    if (!client) return client.error();
    return client->call(method, json::object(), deadline, on_event);
}

CallError::Kind kind_of(const Answer& answer) {
    REQUIRE_FALSE(answer.ok());
    return answer.error().kind;
}

Deadline soon() {
    return deadline_after(20s);
}

}  // namespace

TEST_CASE("a call returns its result, and the events before it") {
    World world;
    std::vector<json> events;
    bool replied = false;
    const auto answer = beside(
        world,
        [&] {
            return call_once(world.path(), "reload", soon(),
                             [&](const json& event) { events.push_back(event); });
        },
        [&] {
            if (world.master.reloads.empty() || std::exchange(replied, true)) return;
            world.server->broadcast(text({{"type", "worker_ready"}}));
            world.master.reloads.front()(text({{"outcome", "promoted"}}));
        });
    CHECK(answer.value() == json{{"outcome", "promoted"}});
    CHECK(events == std::vector<json>{{{"type", "worker_ready"}}});
}

TEST_CASE("no socket, and one that a dead master left, both mean that nothing runs") {
    const sup::test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/control.sock";
    CHECK(kind_of(call_once(path, "status", soon())) == CallError::Kind::not_running);

    const auto address = SocketAddress::create(path);
    {
        const sup::UniqueFd dead{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        REQUIRE(::bind(dead.get(), address->get(), SocketAddress::size()) == 0);
        REQUIRE(::listen(dead.get(), 1) == 0);
    }
    CHECK(kind_of(call_once(path, "status", soon())) == CallError::Kind::not_running);
}

TEST_CASE("a path that is too long is a failure that says so") {
    const auto answer = call_once("/tmp/" + std::string(200, 'x'), "status", soon());
    CHECK(kind_of(answer) == CallError::Kind::failed);
    CHECK_THAT(answer.error().message, Catch::Contains("SUP_RUNTIME_DIR"));
}

TEST_CASE("a call whose time is over says so, and what was asked for goes on") {
    World world;
    const auto answer =
        beside(world, [&] { return call_once(world.path(), "reload", deadline_after(50ms)); });
    CHECK(kind_of(answer) == CallError::Kind::timed_out);
    REQUIRE(world.until([&] { return world.master.reloads.size() == 1; }));
}

TEST_CASE("a full accept queue is waited for no longer than the deadline") {
    const sup::test::TemporaryDirectory directory;
    const auto address = SocketAddress::create(directory.path() + "/full");
    const sup::UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::bind(listener.get(), address->get(), SocketAddress::size()) == 0);
    REQUIRE(::listen(listener.get(), 0) == 0);
    std::vector<Client> queued;
    for (int attempt = 0; attempt < 10; ++attempt) {
        auto client = Client::connect(directory.path() + "/full", deadline_after(20ms));
        if (!client) {
            CHECK(client.error().kind == CallError::Kind::timed_out);
            return;
        }
        queued.push_back(std::move(*client));
    }
    FAIL("the queue was never full");
}

TEST_CASE("a master that refuses says why, and one that goes away is told apart") {
    World world;
    const auto refused = beside(world, [&] { return call_once(world.path(), "nonsense", soon()); });
    CHECK(kind_of(refused) == CallError::Kind::refused);
    CHECK_THAT(refused.error().message, Catch::Contains("nonsense"));

    const auto gone = beside(
        world, [&] { return call_once(world.path(), "reload", soon()); },
        [&] {
            if (!world.master.reloads.empty()) world.server.reset();
        });
    CHECK(kind_of(gone) == CallError::Kind::disconnected);
}

TEST_CASE("a client that is turned away at the door learns why") {
    World world{{.clients = 0}};
    const auto answer = beside(world, [&] { return call_once(world.path(), "status", soon()); });
    CHECK(kind_of(answer) == CallError::Kind::turned_away);
    CHECK_THAT(answer.error().message, Catch::Contains("too many clients"));
}

TEST_CASE("a reload that goes on without a word of its outcome is not one that failed") {
    World world{{.clients = 1, .waiters = 0}};
    RawClient waiting{world};
    waiting.send(call(1, "reload"));
    REQUIRE(world.until([&] { return world.master.reloads.size() == 1; }));
    const auto answer = beside(world, [&] { return call_once(world.path(), "reload", soon()); });
    CHECK(kind_of(answer) == CallError::Kind::not_awaited);
    CHECK(world.master.reloads.size() == 2);
}

TEST_CASE("something else than JSON-RPC is a failure") {
    for (const std::string nonsense : {"HTTP/1.1 400 Bad Request\r\n", "17\n", "\n"}) {
        const sup::test::TemporaryDirectory directory;
        const auto address = SocketAddress::create(directory.path() + "/s");
        const sup::UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        REQUIRE(::bind(listener.get(), address->get(), SocketAddress::size()) == 0);
        REQUIRE(::listen(listener.get(), 1) == 0);
        auto answer = std::async(std::launch::async,
                                 [&] { return call_once(directory.path() + "/s", "status", soon()); });
        const sup::UniqueFd accepted{::accept(listener.get(), nullptr, nullptr)};
        CHECK(std::holds_alternative<sup::Success>(write_all(accepted.get(), nonsense, soon())));
        CHECK(kind_of(answer.get()) == CallError::Kind::failed);
    }
}

TEST_CASE("the client knows whom it speaks to, and sees the master hang up") {
    World world;
    auto connected = Client::connect(world.path(), soon());
    REQUIRE(connected.ok());
    auto& client = *connected;
    CHECK(client.master_pid() == ::getpid());
    CHECK_FALSE(client.wait_for_end(deadline_after(1ms)));
    world.server.reset();
    CHECK(client.wait_for_end(soon()));
}

TEST_CASE("a stream is split into lines, and an unfinished last one is dropped") {
    int ends[2] = {};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const sup::UniqueFd reader{ends[0]};
    sup::UniqueFd writer{ends[1]};
    LineReader lines;
    REQUIRE(std::holds_alternative<sup::Success>(write_all(writer.get(), "one\n\nthr", soon())));
    CHECK(std::get<std::string>(lines.next(reader.get(), soon())) == "one");
    CHECK(std::get<std::string>(lines.next(reader.get(), soon())).empty());
    CHECK(std::holds_alternative<TimedOut>(lines.next(reader.get(), deadline_after(1ms))));
    REQUIRE(std::holds_alternative<sup::Success>(write_all(writer.get(), "ee\nfour", soon())));
    writer.reset();
    CHECK(std::get<std::string>(lines.next(reader.get(), soon())) == "three");
    CHECK(std::holds_alternative<EndOfStream>(lines.next(reader.get(), soon())));
}

namespace {

// Listens at `path` as another user, and writes to whoever comes for as long as that is there.
void answer_as_another_user(const std::string& path) {
    const auto address = SocketAddress::create(path);
    const sup::UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::bind(listener.get(), address->get(), SocketAddress::size()) == 0);
    REQUIRE(::chmod(path.c_str(), 0666) == 0);
    REQUIRE(::seteuid(65534) == 0);
    const int listening = ::listen(listener.get(), 1);
    REQUIRE(::seteuid(0) == 0);
    REQUIRE(listening == 0);
    const auto client = Client::connect(path, soon());
    REQUIRE_FALSE(client);
    CHECK(client.error().kind == CallError::Kind::failed);
    CHECK_THAT(client.error().message, Catch::Contains("of user 65534"));
}

}  // namespace

TEST_CASE("another user's process that answers in the master's place is refused") {
    if (::geteuid() != 0) return sup::test::skip("only root can be somebody else");
    const sup::test::TemporaryDirectory directory;
    answer_as_another_user(directory.path() + "/s");
}

TEST_CASE("whatever else comes, a call ends at its deadline") {
    const std::string flood =
        GENERATE(std::string("{}\n"), std::string("x"));  // messages, and a line without an end
    const sup::test::TemporaryDirectory directory;
    const auto address = SocketAddress::create(directory.path() + "/s");
    const sup::UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::bind(listener.get(), address->get(), SocketAddress::size()) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    auto answer = std::async(std::launch::async, [&] {
        return call_once(directory.path() + "/s", "status", deadline_after(100ms));
    });
    const sup::UniqueFd accepted{::accept(listener.get(), nullptr, nullptr)};
    std::string much;
    while (much.size() < 4096) much += flood;
    while (answer.wait_for(0s) != std::future_status::ready) {
        if (!std::holds_alternative<sup::Success>(write_all(accepted.get(), much, soon()))) break;
    }
    // A fast machine reaches the longest line before the deadline.
    const CallError::Kind kind = kind_of(answer.get());
    CHECK((kind == CallError::Kind::timed_out || (flood == "x" && kind == CallError::Kind::failed)));
}
