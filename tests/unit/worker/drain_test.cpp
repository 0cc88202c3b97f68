// How a worker that was told to drain treats its clients, run by hand (so: a stop).
#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/uv.h"
#include "tests/catch.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/running_server.h"
#include "tests/unit/worker/wire.h"

using namespace std::chrono_literals;
using sup::http::Request;
using sup::http::Response;
using sup::test::Answer;
using sup::test::Client;
using sup::test::eventually;
using sup::test::get;
using sup::test::RunningServer;

namespace {

// Answers at once, or when the test says so.
class Gate {
public:
    void operator()(Request& request, Response response) {
        if (request.path() != "/wait") {
            response.send(200, request.target());
            return;
        }
        held_.push_back(response);
        ++waiting;
        if (timer_ == nullptr) {
            timer_ = std::make_unique<sup::uv::Timer>(loop, [this] { look(); });
            timer_->arm(1ms);
        }
    }

    // Only after the loop has ended.
    void clear() {
        timer_.reset();
        held_.clear();
    }

    uv_loop_s* loop = nullptr;
    std::atomic<int> waiting = 0;
    std::atomic<bool> open = false;

private:
    void look() {
        if (!open) return timer_->arm(1ms);
        for (Response& response : held_) response.send(200, "waited");
        held_.clear();
    }

    std::vector<Response> held_;
    std::unique_ptr<sup::uv::Timer> timer_;
};

struct Gated {
    explicit Gated(sup::worker::Options life = {})
        : running(
              [this](Request& request, Response response) {
                  gate.loop = running.worker().loop();
                  gate(request, std::move(response));
              },
              {}, std::move(life)) {}
    ~Gated() {
        running.exit_code();
        gate.clear();
    }
    Gate gate;
    RunningServer running;
};

bool refused(const std::string& address) {
    try {
        Client client(address);
        return false;
    } catch (const std::runtime_error&) {
        return true;
    }
}

}  // namespace

TEST_CASE("a drain finishes the request in flight, says Connection: close, and takes no new connections") {
    Gated gated;
    Client client(gated.running.address());
    client.send(get("/wait"));
    REQUIRE(eventually([&] { return gated.gate.waiting == 1; }));
    gated.running.drain();
    CHECK(eventually([&] { return refused(gated.running.address()); }));
    CHECK(gated.running.running());
    gated.gate.open = true;
    const Answer answer = client.receive();
    CHECK(answer.body == "waited");
    CHECK(answer.says_close());
    CHECK(client.ended_in_order());
    CHECK(gated.running.exit_code() == 0);
}

TEST_CASE("a keep-alive client's next request is answered during a drain, with Connection: close") {
    Gated gated;
    Client busy(gated.running.address());
    busy.send(get("/wait"));
    Client client(gated.running.address());
    client.send(get("/1"));
    CHECK_FALSE(client.receive().says_close());
    REQUIRE(eventually([&] { return gated.gate.waiting == 1; }));
    gated.running.drain();
    CHECK(eventually([&] { return refused(gated.running.address()); }));
    client.send(get("/2"));
    const Answer answer = client.receive();
    CHECK(answer.body == "/2");
    CHECK(answer.says_close());
    CHECK(client.ended_in_order());
    gated.gate.open = true;
    CHECK(busy.receive().status == 200);
}

TEST_CASE("at a stop idle connections are closed in order after a grace, and the process ends") {
    Gated gated;
    Client fresh(gated.running.address());
    Client kept(gated.running.address());
    kept.send(get("/1"));
    CHECK(kept.receive().status == 200);
    gated.running.drain();
    CHECK(fresh.ended_in_order());
    CHECK(kept.ended_in_order());
    CHECK(gated.running.exit_code() == 0);
}

TEST_CASE("at a stop an idle client may still send a request that is on its way, and has its answer") {
    Gated gated;
    Client idle(gated.running.address());
    idle.send(get("/"));
    REQUIRE(idle.receive().status == 200);
    gated.running.drain();
    REQUIRE(eventually([&] { return refused(gated.running.address()); }));
    idle.send(get("/"));
    const Answer last = idle.receive();
    CHECK(last.status == 200);
    CHECK(last.says_close());
    CHECK(gated.running.exit_code() == 0);
}

TEST_CASE("connections in the accept queue are served at a stop, with every byte they sent") {
    // The worker does not serve yet, so all of these are still queued when it is told to drain.
    sup::worker::Worker worker({.listen = {"127.0.0.1:0"}, .ready_at_start = false, .handle_signals = false});
    sup::http::Server server(
        worker, [](Request& request, Response response) { response.send(200, request.target()); });
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(std::make_unique<Client>(worker.listeners()[0].address));
        clients.back()->send(get("/" + std::to_string(i)));
    }
    worker.drain();
    auto exit_code = std::async(std::launch::async, [&] { return worker.run(); });
    for (int i = 0; i < 50; ++i) {
        const Answer answer = clients[static_cast<std::size_t>(i)]->receive();
        CHECK(answer.body == "/" + std::to_string(i));
        CHECK(answer.says_close());
    }
    clients.clear();
    CHECK(exit_code.get() == 0);
}

TEST_CASE("what is still open at the deadline is closed in order, and the process ends by itself") {
    Gated gated({.drain_timeout = 400ms});
    Client stuck(gated.running.address());
    stuck.send(get("/wait"));
    Client half(gated.running.address());
    half.send("GET / HT");
    REQUIRE(eventually([&] { return gated.gate.waiting == 1; }));
    gated.running.drain();
    CHECK(stuck.ended_in_order());
    CHECK(half.ended_in_order());
    CHECK(gated.running.exit_code() == 0);
}

TEST_CASE("a large answer is not cut by a stop") {
    std::atomic<bool> begun = false;
    RunningServer running([&](Request&, Response response) {
        response.send(200, std::string(20'000'000, 'x'));
        begun = true;
    });
    Client client(running.address());
    client.send(get("/"));
    REQUIRE(eventually([&] { return begun.load(); }));
    running.drain();
    CHECK(client.receive().body.size() == 20'000'000);
    CHECK(running.exit_code() == 0);
}

TEST_CASE("event streams and long polls end in order when the drain begins, and not at its deadline") {
    std::atomic<int> open = 0;
    std::atomic<int> told = 0;
    std::atomic<bool> told_right = true;
    RunningServer server([&](Request& request, Response response) {
        const bool streams = request.path() == "/events";
        if (streams) {
            response.start(200, std::nullopt, "text/event-stream");
            response.write("data: 1\n\n");
        }
        response.on_drain([&, streams](Response& out, const sup::worker::Drain& drain) {
            if (drain.left <= 1s || drain.successor) told_right = false;
            ++told;
            if (!streams) {
                out.send(204, "");
                return;
            }
            out.write("retry: 1\n\n");
            out.end();
        });
        response.on_half_closed([kept = response](Response&) {});  // waits
        ++open;
    });
    Client events(server.address());
    events.send(get("/events"));
    Client polls(server.address());
    polls.send(get("/poll"));
    REQUIRE(eventually([&] { return open == 2; }));
    const auto begun = std::chrono::steady_clock::now();
    CHECK(server.exit_code() == 0);
    CHECK(std::chrono::steady_clock::now() - begun < 20s);
    CHECK(events.receive().body == "data: 1\n\nretry: 1\n\n");
    CHECK(polls.receive().status == 204);
    CHECK(told == 2);
    CHECK(told_right);
    CHECK(server.unanswered() == 0);
}
