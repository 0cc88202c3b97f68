// The worker's small parts: environment, notifications, packets, addresses.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/wire.h"
#include "sup/worker.h"
#include "tests/catch.h"
#include "tests/unit/handoff/in_flight.h"
#include "tests/unit/turn.h"
#include "worker/lifecycle/announcement.h"
#include "worker/lifecycle/channel.h"
#include "worker/lifecycle/environment.h"
#include "worker/lifecycle/listener.h"
#include "worker/lifecycle/notify_client.h"
#include "worker/lifecycle/rebalance.h"
#include "worker/lifecycle/room.h"

using namespace sup::worker;

namespace {

void set(const char* name, const std::string& value) {
    ::setenv(name, value.c_str(), 1);
}

bool is_set(const char* name) {
    return std::getenv(name) != nullptr;
}

}  // namespace

TEST_CASE("the environment is taken, and what is meant for this process alone is removed from it") {
    set("LISTEN_PID", std::to_string(::getpid()));
    set("LISTEN_FDS", "3");
    set("LISTEN_FDNAMES", "http::admin");
    set("NOTIFY_SOCKET", "@name");
    set("SUP_INSTANCE", "shop");
    set("SUP_GENERATION", "12");
    set("SUP_DRAIN_TIMEOUT_MS", "1500");
    const Environment told = take_environment();
    CHECK(told.listen_fds == 3);
    CHECK(told.listen_names == std::vector<std::string>{"http", "", "admin"});
    CHECK(told.notify_socket == "@name");
    CHECK(told.instance == "shop");
    CHECK(told.generation == 12);
    CHECK(told.drain_timeout == sup::Duration{1500});
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET"})
        CHECK_FALSE(is_set(name));
    CHECK(is_set("SUP_INSTANCE"));
    for (const char* name : {"SUP_INSTANCE", "SUP_GENERATION", "SUP_DRAIN_TIMEOUT_MS"}) ::unsetenv(name);
}

TEST_CASE("descriptors for another process are not taken, nor those of a malformed environment") {
    set("LISTEN_FDS", "1");
    set("LISTEN_PID", std::to_string(::getpid() + 1));
    CHECK(take_environment().listen_fds == 0);
    CHECK_FALSE(is_set("LISTEN_FDS"));
    for (const char* count : {"", "-1", "x", "1x", "99999999999999999999"}) {
        set("LISTEN_PID", std::to_string(::getpid()));
        set("LISTEN_FDS", count);
        CHECK(take_environment().listen_fds == 0);
    }
    CHECK_FALSE(take_environment().under_sup());
}

TEST_CASE("signals are known by name and number") {
    CHECK(parse_signal("SIGUSR1") == SIGUSR1);
    CHECK(parse_signal("USR1") == SIGUSR1);
    CHECK(parse_signal("15") == SIGTERM);
    for (const char* none : {"", "SIG", "SIGNONE", "0", "-1", "1000", "usr1"}) CHECK(parse_signal(none) == 0);
}

namespace {

std::vector<sup::UniqueFd> descriptors(int count) {
    std::vector<sup::UniqueFd> all;
    for (int i = 0; i < count; ++i) all.emplace_back(::dup(STDERR_FILENO));
    return all;
}

template <typename Packet>
std::optional<Packet> parse(const std::string& text, int count = 0) {
    auto packet = parse_channel_packet(text, descriptors(count));
    if (!packet || !std::holds_alternative<Packet>(*packet)) return std::nullopt;
    return std::get<Packet>(std::move(*packet));
}

}  // namespace

TEST_CASE("the channel's packets are understood, others and malformed ones are not") {
    const std::string text = R"({"type":"drain","listeners":["a"],"retired":["b","c"],"more":1})";
    const auto drain = parse<DrainPacket>(text);
    REQUIRE(drain);
    CHECK(drain->listeners == std::vector<std::string>{"a"});
    CHECK(drain->retired == std::vector<std::string>{"b", "c"});
    CHECK_FALSE(drain->inbox);
    const auto handoff = parse<DrainPacket>(text, 1);
    REQUIRE(handoff);
    CHECK(handoff->inbox);
    const auto inbox = parse<InboxEnds>(R"({"type":"inbox"})", 2);
    REQUIRE(inbox);
    CHECK(inbox->receiver.get() != inbox->sender.get());
    const auto scoreboard = parse<ScoreboardPacket>(R"({"type":"scoreboard","slot":3})", 1);
    REQUIRE(scoreboard);
    CHECK(scoreboard->slot == 3);
    for (const char* other : {"", "[]", "1", "{", "{}", R"({"type":1})", R"({"type":"drain","retired":1})",
                              R"({"type":"drain","listeners":[1]})", R"({"type":"inbox"})",
                              R"({"type":"scoreboard","slot":-1})", R"({"type":"scoreboard"})"}) {
        CAPTURE(other);
        CHECK_FALSE(parse_channel_packet(other, {}));
    }
    CHECK_FALSE(parse_channel_packet(text, descriptors(2)));
    CHECK_FALSE(parse_channel_packet(R"({"type":"scoreboard","slot":1})", descriptors(2)));
    CHECK_FALSE(parse_channel_packet(R"({"type":"scoreboard","slot":-1})", descriptors(1)));
    CHECK_FALSE(parse_channel_packet(R"({"type":"inbox"})", descriptors(1)));
}

TEST_CASE("the channel passes on what it understands, and knows when the master has gone") {
    sup::uv::Loop loop;
    auto ends = Channel::open();
    REQUIRE(ends);
    const auto say = [&](const std::string& packet) {
        return ::send(ends->masters.get(), packet.data(), packet.size(), 0);
    };
    std::vector<std::string> retired;
    Channel channel(loop.get(), std::move(ends->ours), [&retired](ChannelPacket packet) {
        if (auto* drain = std::get_if<DrainPacket>(&packet)) retired.push_back(drain->retired.at(0));
    });
    channel.read();
    CHECK(retired.empty());
    say(R"({"type":"unknown"})");
    // What came of it makes sense, but was more.
    say(R"({"type":"drain","listeners":[],"retired":["cut"]})" +
        std::string(sup::wire::max_channel_packet, ' '));
    say(R"({"type":"drain","listeners":["a"],"retired":["b"]})");
    say(R"({"type":"drain","listeners":[],"retired":["a"]})");
    channel.read();
    CHECK(retired == std::vector<std::string>{"b", "a"});
    CHECK_FALSE(channel.closed());
    ends->masters.reset();
    channel.read();
    CHECK(channel.closed());
}

TEST_CASE("connections that come back are put back ever more seldom, and others as soon as before") {
    const bool comes_back = GENERATE(true, false);
    sup::uv::Loop loop;
    int looks = 0;
    std::optional<sup::worker::Rebalance> rebalance;
    rebalance.emplace(loop.get(), [&] {
        ++looks;
        if (comes_back) rebalance->taken();
        return true;
    });
    rebalance->activity();
    bool over = false;
    sup::uv::Timer end(loop.get(), [&] { over = true; });
    end.arm(sup::Duration{1'000});
    while (!over) sup::test::turn(loop.get());
    // Every 50 ms, or after 50, 100, 200 and 400.
    CHECK((looks <= 5) == comes_back);
    CHECK(looks >= 2);
    rebalance->stop();
}

TEST_CASE("room is asked for before the last descriptor is taken, and for the inbox only after a while") {
    sup::uv::Loop loop;
    std::vector<std::size_t> asked;
    sup::worker::Room room(loop.get(), 320, [&](std::size_t count) { asked.push_back(count); });
    const auto wait = [&loop](sup::Duration time) {
        bool over = false;
        sup::uv::Timer end(loop.get(), [&] { over = true; });
        end.arm(time);
        while (!over) sup::test::turn(loop.get());
    };
    room.taken_by(310);
    room.inbox_waits();
    wait(sup::Duration{20});
    room.inbox_waits();
    wait(sup::Duration{20});
    CHECK(asked.empty());
    room.taken_by(313);
    wait(sup::Duration{20});
    CHECK(asked == std::vector<std::size_t>{3});
    wait(sup::Duration{2'000});
    room.inbox_waits();
    wait(sup::Duration{20});
    CHECK(asked.size() == 2);
}

TEST_CASE("a worker raises its limit of descriptors to what it may have") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit low{std::min<rlim_t>(before.rlim_max - 1, 200), before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const sup::worker::Worker worker({.listen = {"127.0.0.1:0"}, .handle_signals = false});
    rlimit now{};
    CHECK(::getrlimit(RLIMIT_NOFILE, &now) == 0);
    CHECK(now.rlim_cur == before.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("notifying nobody is no failure, notifying a socket that is not there is") {
    CHECK(NotifyClient().send("READY=1").ok());
    const auto missing = NotifyClient("/nonexistent/notify").send("READY=1");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message.find("/nonexistent/notify") != std::string::npos);
    CHECK_FALSE(NotifyClient(std::string(200, 'x')).send("READY=1"));
}

namespace {

// The supervisor's notify socket, and a worker that announces itself there.
struct Supervisor {
    sup::uv::Loop loop;
    sup::UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    std::unique_ptr<NotifyClient> client;
    sup::UniqueFd opened;  // the worker's end of the channel
    std::vector<std::string> failures;
    std::vector<sup::UniqueFd> received;

    Supervisor() {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(sa_family_t)) == 0);
        socklen_t size = sizeof name;
        REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
        const std::string chosen(name.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
        client = std::make_unique<NotifyClient>("@" + chosen);
    }
    std::unique_ptr<Announcement> announcement(const NotifyClient& to, sup::Duration patience) {
        return std::make_unique<Announcement>(
            loop.get(), to, patience,
            Announcement::Callbacks{[this](sup::UniqueFd ours) { opened = std::move(ours); },
                                    [this](const sup::Error& error) { failures.push_back(error.message); }});
    }
    // What comes next, "" when there is nothing yet. Its descriptors are kept.
    std::string receive() {
        std::array<char, 100> line{};
        auto message = sup::receive_unix_message(socket.get(), line);
        REQUIRE(message.ok());
        if (!message->has_value()) return {};
        received = std::move((*message)->descriptors);
        return {line.data(), (*message)->size};
    }
    // The same, and lets the worker try again until there is something.
    std::string wait() {
        for (;;) {
            const std::string message = receive();
            if (!message.empty()) return message;
            REQUIRE(uv_loop_alive(loop.get()));
            sup::test::turn(loop.get());
        }
    }
};

constexpr sup::Duration long_patience{60'000};

}  // namespace

TEST_CASE("readiness does not wait for the channel, which is offered until its descriptor can travel") {
    Supervisor supervisor;
    const auto announcement = supervisor.announcement(*supervisor.client, long_patience);
    sup::test::InFlight too_many;
    announcement->begin("the first packet");
    CHECK(supervisor.wait() == "READY=1");
    CHECK(supervisor.received.empty());
    CHECK(announcement->said_ready());
    CHECK_FALSE(supervisor.opened);
    too_many.land();
    CHECK(supervisor.wait() == "X_SUP_CHANNEL=1");
    REQUIRE(supervisor.received.size() == 1);
    REQUIRE(supervisor.opened);
    CHECK(::send(supervisor.received[0].get(), "x", 1, 0) == 1);
    char byte = 0;
    CHECK(::recv(supervisor.opened.get(), &byte, 1, MSG_DONTWAIT) == 1);
    CHECK(uv_run(supervisor.loop.get(), UV_RUN_NOWAIT) == 0);
    CHECK(supervisor.failures.empty());
}

TEST_CASE("READY=1 waits for room in the supervisor's queue, and nothing else does") {
    Supervisor supervisor;
    int sent = 0;
    while (supervisor.client->send("STATUS=starting").ok()) ++sent;
    CHECK(sent > 0);
    const auto announcement = supervisor.announcement(*supervisor.client, long_patience);
    announcement->begin("the first packet");
    CHECK_FALSE(announcement->said_ready());
    while (sent-- > 0) CHECK(supervisor.receive() == "STATUS=starting");
    CHECK(supervisor.wait() == "READY=1\nX_SUP_CHANNEL=1");
    CHECK(announcement->said_ready());
    CHECK(supervisor.opened);
}

TEST_CASE("a READY=1 that cannot be said is an error after a while, which says why") {
    Supervisor supervisor;
    const NotifyClient missing("/nonexistent/notify");
    const auto announcement = supervisor.announcement(missing, sup::Duration{50});
    announcement->begin("the first packet");
    uv_run(supervisor.loop.get(), UV_RUN_DEFAULT);
    REQUIRE(supervisor.failures.size() == 1);
    CHECK(supervisor.failures[0] == "cannot notify the supervisor at /nonexistent/notify: it is gone");
    CHECK_FALSE(announcement->said_ready());
}

TEST_CASE("a READY=1 that comes late is still sent") {
    Supervisor supervisor;
    int sent = 0;
    while (supervisor.client->send("STATUS=starting").ok()) ++sent;
    const auto announcement = supervisor.announcement(*supervisor.client, sup::Duration{50});
    announcement->begin("the first packet");
    while (supervisor.failures.empty()) sup::test::turn(supervisor.loop.get());
    CHECK(supervisor.failures[0].find(": its queue is full") != std::string::npos);
    while (sent-- > 0) CHECK(supervisor.receive() == "STATUS=starting");
    CHECK(supervisor.wait() == "READY=1\nX_SUP_CHANNEL=1");
    CHECK(supervisor.failures.size() == 1);
}

TEST_CASE("addresses to listen on") {
    for (const char* address : {"127.0.0.1:0", "[::1]:0", "localhost:0", "*:0"}) {
        CAPTURE(address);
        const auto listener = listen_on(address, "x");
        if (!listener) WARN(listener.error().message);  // a machine without IPv6
        if (listener) CHECK(listener->address.find(':') != std::string::npos);
    }
    for (const char* wrong :
         {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "nowhere.invalid:1", "127.0.0.1:99999"}) {
        CAPTURE(wrong);
        CHECK_FALSE(listen_on(wrong, "x"));
    }
}

TEST_CASE("a descriptor that is promised and not open is an error that names it") {
    Environment environment;
    environment.listen_fds = 4000;
    const auto listeners = inherited_listeners(environment);
    REQUIRE_FALSE(listeners);
    CHECK(listeners.error().message.find("LISTEN_FDS promises 4000 descriptors, but ") == 0);
    CHECK(listeners.error().message.find(" is not open") != std::string::npos);
}

namespace {

void ignore_nothing(int) {}

using Disposition = void (*)(int);

// What SIGPIPE does after a worker was made, having done `before`.
Disposition broken_pipe(Disposition before, bool handle_signals) {
    std::signal(SIGPIPE, before);
    const Worker worker({.listen = {"127.0.0.1:0"}, .handle_signals = handle_signals});
    return std::signal(SIGPIPE, SIG_DFL);
}

}  // namespace

TEST_CASE(
    "a worker that handles signals does not die of a broken pipe, and leaves its user's handler alone") {
    CHECK(broken_pipe(SIG_DFL, true) == SIG_IGN);
    CHECK(broken_pipe(SIG_DFL, false) == SIG_DFL);
    CHECK(broken_pipe(ignore_nothing, true) == ignore_nothing);
}

TEST_CASE("a worker that ends with handles of its user open waits for none of them, and calls none back") {
    uv_timer_t left;
    int called = 0;
    {
        Worker worker({.listen = {"127.0.0.1:0"}, .handle_signals = false});
        uv_timer_init(worker.loop(), &left);
        left.data = &called;
        uv_timer_start(
            &left, [](uv_timer_t* timer) { ++*static_cast<int*>(timer->data); }, 0, 1);
    }
    CHECK(called == 0);
    // The loop is its user's now.
    const std::unique_ptr<uv_loop_t> loop(left.loop);
    uv_close(reinterpret_cast<uv_handle_t*>(&left), nullptr);
    uv_run(loop.get(), UV_RUN_DEFAULT);
    CHECK(uv_loop_close(loop.get()) == 0);
}

TEST_CASE("a handle that its user has closed is called back before the worker is gone") {
    uv_timer_t closed;
    bool told = false;
    closed.data = &told;
    {
        Worker worker({.listen = {"127.0.0.1:0"}, .handle_signals = false});
        uv_timer_init(worker.loop(), &closed);
        uv_close(reinterpret_cast<uv_handle_t*>(&closed),
                 [](uv_handle_t* handle) { *static_cast<bool*>(handle->data) = true; });
    }
    CHECK(told);
}
