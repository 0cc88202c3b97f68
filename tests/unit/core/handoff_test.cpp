#include <algorithm>

#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

void open_channels(Life& life, GenerationId generation) {
    for (const WorkerView& worker : life.workers(generation)) life.feed(WorkerOpenedChannel{worker.worker});
}

// A reload to `generation`, one worker, which speaks the channel or not: the lines of the promotion.
Lines replace_by(Life& life, GenerationId generation, bool channel, const Policy& policy = policy_of(1)) {
    life.reload(req(100 + static_cast<std::uint32_t>(generation)));
    life.prepared(generation, policy);
    life.spawned(generation);
    if (channel) open_channels(life, generation);
    return life.ready(generation);
}

}  // namespace

TEST_CASE("connections are offered to the successor's inbox where both sides speak the channel") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    CHECK(contains(replace_by(life, gen(2), true), "Drain worker=1 successor=2 inbox=2"));
}

TEST_CASE("a successor that does not speak the channel is offered nothing") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    CHECK(contains(replace_by(life, gen(2), false), "Drain worker=1 successor=2"));
}

TEST_CASE("a worker that does not speak the channel is offered no inbox") {
    Life life;
    life.serve(policy_of(1));
    CHECK(contains(replace_by(life, gen(2), true), "Drain worker=1 successor=2"));
}

TEST_CASE(
    "who hands over to a generation that is replaced too is sent on to its successor, before anybody is "
    "drained") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), true);
    const Lines lines = replace_by(life, gen(3), true);
    const auto redirect = std::find(lines.begin(), lines.end(), "OfferInbox worker=1 inbox=3");
    const auto drain = std::find(lines.begin(), lines.end(), "Drain worker=2 successor=3 inbox=3");
    REQUIRE(redirect != lines.end());
    REQUIRE(drain != lines.end());
    CHECK(redirect < drain);
}

TEST_CASE("who hands over to a generation whose successor cannot take must finish by itself") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), true);
    CHECK(contains(replace_by(life, gen(3), false), "OfferInbox worker=1"));
}

TEST_CASE("a stop is told also to those who drain already and hand over to nobody") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), false);
    const Lines lines = life.stop(req(9));
    CHECK(contains(lines, "OfferInbox worker=1"));
    CHECK(count(lines, "OfferInbox") == 1);
    CHECK(count(life.feed(StopRequested{req(10)}), "OfferInbox") == 0);
}

TEST_CASE("at a stop nobody is left to hand over to") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), true);
    const Lines lines = life.stop(req(9));
    CHECK(contains(lines, "OfferInbox worker=1"));
    CHECK(contains(lines, "Drain worker=2"));
}

TEST_CASE(
    "a worker that is scaled down hands over to its peers, the last that speaks the channel to nobody") {
    Life life;
    life.serve(policy_of(3));
    life.feed(WorkerOpenedChannel{wrk(2)});
    life.feed(WorkerOpenedChannel{wrk(3)});
    CHECK(contains(life.feed(RemoveWorkerRequested{}), "Drain worker=3 successor=1 inbox=1"));
    CHECK(contains(life.feed(RemoveWorkerRequested{}), "Drain worker=2 successor=1"));
}

TEST_CASE("who hands over to peers must finish by itself when the last of them that takes is scaled down") {
    Life life;
    life.serve(policy_of(3));
    life.feed(WorkerOpenedChannel{wrk(2)});
    life.feed(WorkerOpenedChannel{wrk(3)});
    life.feed(RemoveWorkerRequested{});
    const Lines lines = life.feed(RemoveWorkerRequested{});
    const auto withdrawn = std::find(lines.begin(), lines.end(), "OfferInbox worker=3");
    REQUIRE(withdrawn != lines.end());
    CHECK(withdrawn < std::find(lines.begin(), lines.end(), "Drain worker=2 successor=1"));
}

TEST_CASE("who hands over to a slot that waits for its restart must finish by itself when that slot goes") {
    Life life;
    life.serve(policy_of(3));
    life.feed(WorkerOpenedChannel{wrk(2)});
    life.feed(WorkerOpenedChannel{wrk(3)});
    life.feed(RemoveWorkerRequested{});
    life.exit(wrk(2), 1);
    CHECK(contains(life.feed(RemoveWorkerRequested{}), "OfferInbox worker=3"));
}

TEST_CASE("an aborted generation hands its connections back to the one that serves") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    life.reload(req(2));
    life.prepared(gen(2), policy_of(2));
    life.spawned(gen(2));
    open_channels(life, gen(2));
    life.feed(WorkerReady{wrk(2)});
    CHECK(contains(life.exit(wrk(3), 1), "Drain worker=2 successor=1 inbox=1"));
}

TEST_CASE(
    "what is left in the inbox of a generation that has gone goes on to the active one, before it is "
    "released") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), true);
    const Lines lines = life.exit(wrk(1));
    const auto forward = std::find(lines.begin(), lines.end(), "ForwardInbox from=1 to=2");
    const auto release = std::find(lines.begin(), lines.end(), "Release generation=1");
    REQUIRE(forward != lines.end());
    CHECK(forward < release);
}

TEST_CASE("nothing is forwarded to a generation that cannot take, nor at a stop") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), false);
    CHECK(count(life.exit(wrk(1)), "ForwardInbox") == 0);

    Life stopped;
    stopped.serve(policy_of(1));
    open_channels(stopped, gen(1));
    stopped.stop(req(9));
    CHECK(count(stopped.exit(wrk(1)), "ForwardInbox") == 0);
}

TEST_CASE("an inbox is closed after those who hand over to it are sent on, and before its workers drain") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), true);
    const Lines lines = replace_by(life, gen(3), true);
    const auto at = [&](const std::string& line) { return std::find(lines.begin(), lines.end(), line); };
    REQUIRE(at("CloseInbox generation=2 successor=3") != lines.end());
    CHECK(at("OfferInbox worker=1 inbox=3") < at("CloseInbox generation=2 successor=3"));
    CHECK(at("CloseInbox generation=2 successor=3") < at("Drain worker=2 successor=3 inbox=3"));
    CHECK(count(lines, "CloseInbox") == 1);
}

TEST_CASE("a stop and an aborted reload close the inboxes of what leaves") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    life.reload(req(2));
    life.prepared(gen(2), policy_of(2));
    life.spawned(gen(2));
    open_channels(life, gen(2));
    CHECK(contains(life.exit(wrk(2), 1), "CloseInbox generation=2 successor=1"));
    CHECK(contains(life.stop(req(3)), "CloseInbox generation=1"));
}

TEST_CASE("when the last that takes is scaled down, the inbox is closed until somebody takes again") {
    Life life;
    life.serve(policy_of(2));
    life.feed(WorkerOpenedChannel{wrk(2)});
    CHECK(contains(life.feed(RemoveWorkerRequested{}), "CloseInbox generation=1"));
    CHECK(life.feed(WorkerOpenedChannel{wrk(1)}) ==
          Lines{"ReopenInbox generation=1 worker=1", "OfferInbox worker=2 inbox=1"});
    CHECK(life.feed(WorkerOpenedChannel{wrk(1)}).empty());
    CHECK(contains(replace_by(life, gen(2), true), "CloseInbox generation=1 successor=2"));
}

TEST_CASE(
    "an aborted generation hands back to one whose only worker is just restarting: its next one takes") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    life.reload(req(2));
    life.prepared(gen(2), policy_of(2));
    life.spawned(gen(2));
    open_channels(life, gen(2));
    life.feed(WorkerReady{wrk(2)});
    life.exit(wrk(1), 1);  // waits for its restart
    CHECK(contains(life.exit(wrk(3), 1), "Drain worker=2 successor=1 inbox=1"));
}

TEST_CASE("the last that takes does not leave the inbox to slots that only restart") {
    Life life;
    life.serve(policy_of(2));
    open_channels(life, gen(1));
    life.exit(wrk(1), 1);
    CHECK(life.feed(RemoveWorkerRequested{}) == Lines{"CountChanged generation=1 count=1",
                                                      "CloseInbox generation=1",
                                                      "Drain worker=2 successor=1"});
    SECTION("and hands over when one of them is there") {
        life.pass(1s);
        life.spawned(gen(1));
        CHECK(life.feed(WorkerOpenedChannel{wrk(3)}) ==
              Lines{"ReopenInbox generation=1 worker=3", "OfferInbox worker=2 inbox=1"});
    }
}

TEST_CASE("one of several that take leaves the inbox to the others") {
    Life life;
    life.serve(policy_of(3));
    open_channels(life, gen(1));
    life.exit(wrk(1), 1);
    CHECK(contains(life.feed(RemoveWorkerRequested{}), "Drain worker=3 successor=1 inbox=1"));
}

TEST_CASE("a successor that opens its channel late is offered then") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), false);
    CHECK(contains(life.feed(WorkerOpenedChannel{wrk(2)}), "OfferInbox worker=1 inbox=2"));
    CHECK(count(life.feed(WorkerOpenedChannel{wrk(2)}), "OfferInbox") == 0);
}

TEST_CASE("who had to finish alone is offered the inbox of a later generation that takes") {
    Life life;
    life.serve(policy_of(1));
    open_channels(life, gen(1));
    replace_by(life, gen(2), false);
    CHECK(contains(replace_by(life, gen(3), true), "OfferInbox worker=1 inbox=3"));
}
