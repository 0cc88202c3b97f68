#include "tests/bench/load/generator.h"

#include <optional>
#include <string>

#include "tests/bench/load/report.h"
#include "tests/bench/load/scripted_server.h"
#include "tests/catch.h"

using namespace std::chrono_literals;
using namespace sup::bench;
using sup::bench::test::Peer;
using sup::bench::test::ScriptedServer;

namespace {

const std::string right = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi pid:7/1";

Options options_for(std::uint16_t port, Mode mode = Mode::keepalive) {
    Options options;
    options.port = port;
    options.mode = mode;
    options.clients = 1;
    options.think = 5ms;
    options.duration = 100ms;
    options.timeout = 10s;
    options.slice = 50ms;
    return options;
}

// Runs to the end against a server of this script.
void run(Generator& generator) {
    const sup::Status ran = generator.run({[](Time) {}, [] {}});
    if (!ran) FAIL(ran.error().message);
}

// Some requests have failed in this way, and none in another.
void check_only(const Tally& tally, Failure expected) {
    for (std::size_t i = 0; i < failure_kinds; ++i) {
        const auto kind = static_cast<Failure>(i);
        INFO(to_string(kind) << ": " << tally.failures(kind));
        CHECK((tally.failures(kind) > 0) == (kind == expected));
    }
}

std::uint64_t failures(const Tally& tally) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < failure_kinds; ++i) total += tally.failures(static_cast<Failure>(i));
    return total;
}

}  // namespace

TEST_CASE("right answers are counted, over one connection") {
    const ScriptedServer server([](Peer& peer) {
        while (peer.read_request()) peer.send(right);
    });
    Generator generator(options_for(server.port()));
    run(generator);
    CHECK(generator.tally().latency().count() > 1);
    CHECK(generator.tally().connections() == 1);
    CHECK(failures(generator.tally()) == 0);
}

TEST_CASE("a new connection for each request, which the server closes, is no loss") {
    const ScriptedServer server([](Peer& peer) {
        peer.read_request();
        peer.send(right);
    });
    Generator generator(options_for(server.port(), Mode::fresh));
    run(generator);
    CHECK(generator.tally().connections() == generator.tally().latency().count());
    CHECK(failures(generator.tally()) == 0);
    CHECK(generator.tally().closings(Closing::idle) + generator.tally().closings(Closing::with_request) == 0);
}

TEST_CASE("every way to fail a request is told apart") {
    const auto fails = [](Failure expected, const std::function<void(Peer&)>& script) {
        const ScriptedServer server([&script](Peer& peer) {
            if (peer.read_request()) script(peer);
        });
        Options options = options_for(server.port());
        if (expected == Failure::timeout) options.timeout = 20ms;
        Generator generator(options);
        run(generator);
        CHECK(generator.tally().latency().count() == 0);
        check_only(generator.tally(), expected);
    };
    SECTION("closed before the answer") {
        fails(Failure::closed_before_answer, [](Peer& peer) { peer.close(); });
    }
    SECTION("closed within the answer") {
        fails(Failure::closed_within_answer,
              [](Peer& peer) { peer.send(right.substr(0, right.size() - 1)); });
    }
    SECTION("reset") {
        fails(Failure::reset, [](Peer& peer) { peer.reset(); });
    }
    SECTION("no answer in time") {
        fails(Failure::timeout, [](Peer& peer) { peer.wait_for_end(); });
    }
    SECTION("another status") {
        fails(Failure::wrong_status,
              [](Peer& peer) { peer.send("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"); });
    }
    SECTION("not HTTP") {
        fails(Failure::malformed, [](Peer& peer) { peer.send("SSH-2.0-OpenSSH\r\n"); });
    }
    SECTION("more than was asked for") {
        fails(Failure::malformed, [](Peer& peer) { peer.send(right + right); });
    }
}

TEST_CASE("an answer that is not the echo of the request is a failure") {
    const ScriptedServer server([](Peer& peer) {
        while (peer.read_request("abcdef")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdeF");
    });
    Options options = options_for(server.port());
    options.body = 6;
    options.echo = true;
    Generator generator(options);
    run(generator);
    check_only(generator.tally(), Failure::wrong_body);
}

TEST_CASE("a connection that stays open after both sides said that it closes is a failure") {
    const ScriptedServer server([](Peer& peer) {
        peer.read_request();
        peer.send(right);
        peer.wait_for_end();
    });
    Options options = options_for(server.port(), Mode::fresh);
    options.timeout = 1s;
    Generator generator(options);
    run(generator);
    check_only(generator.tally(), Failure::not_closed);
}

TEST_CASE("nobody listens: refused, and not as often as the kernel can refuse") {
    std::optional<ScriptedServer> server(std::in_place, [](Peer&) {});
    const std::uint16_t port = server->port();
    server.reset();
    Options options = options_for(port);
    options.think = 0ms;
    Generator generator(options);
    run(generator);
    check_only(generator.tally(), Failure::refused);
    CHECK(generator.tally().failures(Failure::refused) <= 11);
}

TEST_CASE("connections closed by the server are counted by how it did it") {
    const auto closes = [](const std::function<void(Peer&)>& script) {
        const ScriptedServer server([&script](Peer& peer) {
            if (peer.read_request()) script(peer);
        });
        Generator generator(options_for(server.port()));
        run(generator);
        return generator.tally();
    };
    SECTION("announced, which costs no request") {
        const Tally tally = closes([](Peer& peer) {
            peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        });
        CHECK(tally.closings(Closing::announced) == tally.latency().count());
        CHECK(tally.latency().count() > 0);
        CHECK(failures(tally) == 0);
    }
    SECTION("idle") {
        const Tally tally = closes([](Peer& peer) { peer.send(right); });
        CHECK(tally.closings(Closing::idle) > 0);
        CHECK(tally.latency().count() > 0);
    }
    SECTION("with a request on its way") {
        const Tally tally = closes([](Peer& peer) { peer.close(); });
        CHECK(tally.closings(Closing::with_request) > 0);
        CHECK(tally.closings(Closing::with_request) == failures(tally));
    }
}

TEST_CASE("idle clients ask once at the start and once at the end") {
    const ScriptedServer server([](Peer& peer) {
        while (peer.read_request()) peer.send(right);
    });
    Generator generator(options_for(server.port(), Mode::idle));
    bool established = false;
    REQUIRE(generator.run({[](Time) {}, [&established] { established = true; }}).ok());
    CHECK(established);
    CHECK(generator.tally().latency().count() == 2);
    CHECK(generator.tally().connections() == 1);
}

TEST_CASE("the report adds up") {
    const ScriptedServer server([](Peer& peer) {
        if (peer.read_request()) peer.send(right);
    });
    const Options options = options_for(server.port());
    Generator generator(options);
    run(generator);
    const std::string report = result_json(options, generator);
    CHECK(report.find("\"requests\":" + std::to_string(generator.tally().latency().count())) !=
          std::string::npos);
    CHECK(report.find("\"failed_total\":" + std::to_string(failures(generator.tally()))) !=
          std::string::npos);
    std::uint64_t in_slices = 0;
    for (std::size_t i = 0; i < generator.tally().used_slices(); ++i) {
        in_slices += generator.tally().slice(i).latency.count();
    }
    CHECK(in_slices == generator.tally().latency().count());
}
