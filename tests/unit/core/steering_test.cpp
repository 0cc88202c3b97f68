// Where clients of a listener with a socket for each slot go.
#include "master/core/steering.h"

#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

using Sockets = std::map<GenerationId, std::uint32_t>;

// "homes:accepting", such as "4:0111".
std::string steered(const Life& life, const Sockets& sockets) {
    const auto steering = steer(life.serving(), sockets);
    if (!steering) return "as before";
    std::string text = std::to_string(steering->homes) + ":";
    for (const bool accepts : steering->accepting) text += accepts ? '1' : '0';
    return text;
}

// The next slot's new worker is ready, and its predecessor drains and ends.
void replace_next_and_exit(Life& life) {
    life.spawned(gen(2));
    life.ready(gen(2));
    for (const WorkerView& worker : life.workers(gen(1)))
        if (worker.state == WorkerState::draining) life.exit(worker.worker);
}

}  // namespace

TEST_CASE("clients come to a worker from the moment it is ready") {
    Life life;
    life.start(policy_of(3));
    const Sockets sockets{{gen(1), 3}};
    CHECK(steered(life, sockets) == "as before");
    life.spawned(gen(1));
    CHECK(steered(life, sockets) == "as before");
    life.feed(WorkerReady{wrk(2)});
    CHECK(steered(life, sockets) == "3:01");
    life.ready(gen(1));
    CHECK(steered(life, sockets) == "3:111");
}

TEST_CASE("a worker that is added is the home of clients only when it is ready") {
    Life life;
    life.serve(policy_of(4));
    const Sockets sockets{{gen(1), 4}};
    life.feed(RemoveWorkerRequested{});
    CHECK(steered(life, sockets) == "3:111");
    life.feed(AddWorkerRequested{});
    CHECK(steered(life, sockets) == "4:111");
    life.spawned(gen(1));
    life.ready(gen(1));
    CHECK(steered(life, sockets) == "4:1111");
    life.feed(AddWorkerRequested{});  // shares the first socket
    CHECK(steered(life, sockets) == "4:1111");
}

TEST_CASE("nobody comes to a crashed worker's socket until it is back") {
    Life life;
    life.serve(policy_of(3));
    const Sockets sockets{{gen(1), 3}};
    life.exit(wrk(1));
    CHECK(steered(life, sockets) == "3:011");
    life.pass(60s);
    life.spawned(gen(1));
    CHECK(steered(life, sockets) == "3:011");
    life.ready(gen(1));
    CHECK(steered(life, sockets) == "3:111");
}

TEST_CASE("in a rolling reload clients leave the sockets that only the replaced had, and find the new ones") {
    Life life;
    life.serve(policy_of(3));
    life.reload(req(2));
    life.prepared(gen(2), rolling(3));
    const Sockets removed{{gen(1), 3}};
    const Sockets added{{gen(2), 3}};
    const Sockets shrunk{{gen(1), 3}, {gen(2), 1}};
    const Sockets kept{{gen(1), 3}, {gen(2), 3}};
    CHECK(steered(life, removed) == "3:111");
    CHECK(steered(life, added) == "as before");
    replace_next_and_exit(life);
    CHECK(steered(life, removed) == "3:011");
    CHECK(steered(life, added) == "3:1");
    CHECK(steered(life, shrunk) == "3:111");
    CHECK(steered(life, kept) == "3:111");
    replace_next_and_exit(life);
    CHECK(steered(life, removed) == "3:001");
    CHECK(steered(life, added) == "3:11");
    CHECK(steered(life, shrunk) == "3:101");
    replace_next_and_exit(life);
    CHECK(steered(life, removed) == "as before");
    CHECK(steered(life, added) == "3:111");
    CHECK(steered(life, shrunk) == "1:1");
    CHECK(steered(life, kept) == "3:111");
}

TEST_CASE("a rolling reload that fails gives clients back with the slots") {
    Life life;
    life.serve(policy_of(3));
    life.reload(req(2));
    life.prepared(gen(2), rolling(3));
    const Sockets removed{{gen(1), 3}};
    const Sockets added{{gen(2), 3}};
    replace_next_and_exit(life);
    replace_next_and_exit(life);
    life.spawned(gen(2));
    life.exit(wrk(6));
    CHECK(steered(life, removed) == "3:001");
    CHECK(steered(life, added) == "3:11");
    life.spawned(gen(1));
    life.ready(gen(1));
    CHECK(steered(life, removed) == "3:101");
    CHECK(steered(life, added) == "3:01");
}

TEST_CASE("a reload to more slots sends nobody to them before it is promoted") {
    Life life;
    life.serve(policy_of(2));
    life.reload(req(2));
    life.prepared(gen(2), policy_of(4));
    const Sockets sockets{{gen(1), 2}, {gen(2), 4}};
    life.spawned(gen(2));
    life.feed(WorkerReady{wrk(6)});
    CHECK(steered(life, sockets) == "2:1101");
    life.ready(gen(2));
    CHECK(steered(life, sockets) == "4:1111");
}

TEST_CASE("a client whose home has a worker never moves, and another finds one that accepts") {
    const Steering all{.homes = 4, .accepting = {true, true, true, true}};
    const Steering some{.homes = 4, .accepting = {false, true, false, true, true}};
    std::vector<bool> visited(5);
    for (std::uint32_t hash = 0; hash < 65536; hash += 7) {
        CHECK(socket_of(all, hash) == hash % 4);
        const std::uint32_t socket = socket_of(some, hash);
        CHECK(some.accepting[socket]);
        CHECK((socket == hash % 4) == some.accepting[hash % 4]);
        if (hash % 4 == 0) visited[socket] = true;
    }
    CHECK(visited == some.accepting);
}
