#include <functional>
#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

// A state with something of everything: active with a slot that waits, soaking, draining, aborting, waiters.
Life a_full_life() {
    Policy first = policy_of(2);
    first.max_draining = 9;
    Policy soaking = first;
    soaking.soak = 1min;
    Life life;
    life.serve(first);
    life.reload(req(2), WaitFor::drained);
    life.prepared(gen(2), first);
    life.spawned(gen(2));
    life.ready(gen(2));
    life.reload(req(3));
    life.prepared(gen(3), first);
    life.spawned(gen(3));
    life.feed(WorkerReady{wrk(5)});
    life.exit(wrk(6));
    life.exit(wrk(3));
    life.replace(gen(4), soaking);
    life.reload(req(5));
    return life;
}

std::string why_refused(const json& document) {
    const auto restored = Supervisor::restore(document);
    return restored.ok() ? "it was accepted" : restored.error().message;
}

// Every document that differs from `whole` by one value replaced, one key left out or one element left out.
void each_damage(const json& whole, const std::function<void(const json&)>& visit) {
    const json flat = whole.flatten();
    for (const auto& [path, value] : flat.items()) {
        const json::json_pointer at(path);
        for (const json& other :
             {json(nullptr), json(-1), json(1), json(1.5), json(18'446'744'073'709'551'615U), json(true),
              json("active"), json(json::array()), json(json::object())}) {
            json damaged = whole;
            damaged[at] = other;
            visit(damaged);
        }
        json damaged = whole;
        json& parent = damaged[at.parent_pointer()];
        if (parent.is_object())
            parent.erase(at.back());
        else if (parent.is_array())
            parent.erase(std::stoul(at.back()));
        visit(damaged);
    }
}

}  // namespace

TEST_CASE("a saved state says its version, and another version is refused") {
    json saved = a_full_life().supervisor().save();
    CHECK(saved["version"] == 1);
    saved["version"] = 2;
    CHECK(why_refused(saved) == "the saved state/version is not one that this program knows (1)");
    saved.erase("version");
    CHECK(why_refused(saved) == "the saved state has no \"version\"");
}

TEST_CASE("what a worker's state alone has stands beside its name, and other states have nothing of it") {
    const json saved = a_full_life().supervisor().save();
    const json& draining = saved["generations"][0]["workers"][0];
    CHECK(draining["state"] == "draining");
    CHECK(draining["successor"] == 2);
    CHECK_FALSE(draining.contains("soak"));
    const json& ready = saved["generations"][3]["workers"][0];
    CHECK(ready["state"] == "ready");
    CHECK(ready["soak"].is_null());
    CHECK_FALSE(ready.contains("deadline"));
}

TEST_CASE("a state that does not tell everybody what is wanted is refused") {
    json saved = a_full_life().supervisor().save();
    REQUIRE_FALSE(saved["told"]["offers"].empty());
    saved["told"]["offers"].erase(0);
    CHECK(why_refused(saved) ==
          "the saved state breaks the rule that everybody was told where to hand over to");
}

TEST_CASE("a restored supervisor does step for step what the saved one does") {
    Life life = a_full_life();
    Supervisor& original = life.supervisor();
    Supervisor restored = Supervisor::restore(original.save()).value();
    TimePoint now = life.now();
    std::vector<Event> events{WorkerExited{wrk(4), {true, 9}}, StopRequested{req(50)},
                              WorkerExited{wrk(1), {}}, WorkerExited{wrk(2), {}}, WorkerExited{wrk(5), {}}};
    events.insert(events.end(), 40, DeadlineReached{});
    events.push_back(StopRequested{req(51), true});
    for (std::uint64_t worker = 1; worker < 20; ++worker) events.push_back(WorkerExited{wrk(worker), {}});
    Lines expected;
    Lines actual;
    for (const Event& event : events) {
        now += 100ms;
        for (const Action& action : original.step(event, now)) expected.push_back(to_string(action));
        for (const Action& action : restored.step(event, now)) actual.push_back(to_string(action));
    }
    CHECK(actual == expected);
    CHECK(expected.back() == "Exit code=0");
}

TEST_CASE("the jitter goes on where it was") {
    Life life(42);
    life.serve(policy_of(2));
    Supervisor copy = Supervisor::restore(life.supervisor().save()).value();
    const auto original = life.supervisor().step(WorkerExited{wrk(1), {}}, life.now());
    CHECK(the<RestartScheduled>(original).delay ==
          the<RestartScheduled>(copy.step(WorkerExited{wrk(1), {}}, life.now())).delay);
}

TEST_CASE("what is not a saved state is an error") {
    for (const json& document :
         {json(nullptr), json::object(), json::array(), json(1), json("x"), json{{"version", 1}}}) {
        CHECK_FALSE(Supervisor::restore(document).ok());
    }
}

TEST_CASE("an error says where the saved state is wrong") {
    json saved = a_full_life().supervisor().save();
    saved["generations"][0]["workers"][0]["state"] = "asleep";
    CHECK(why_refused(saved) == "the saved state/generations/0/workers/0/state is not the name of a state");
    saved = a_full_life().supervisor().save();
    saved["generations"][1]["policy"]["count"] = 0;
    CHECK(why_refused(saved) == "the saved state breaks the rule that a generation's policy is valid");
    saved = a_full_life().supervisor().save();
    saved["generations"][0]["workers"][0]["deadline"] = nullptr;
    CHECK(why_refused(saved) == "the saved state/generations/0/workers/0/deadline is not a whole number");
}

TEST_CASE("a damaged state is refused, or is a state that can be lived with") {
    const json whole = a_full_life().supervisor().save();
    int refused = 0;
    int accepted = 0;
    each_damage(whole, [&](const json& damaged) {
        sup::Result<Supervisor> restored = Supervisor::restore(damaged);
        if (!restored) {
            ++refused;
            return;
        }
        ++accepted;
        INFO(json::diff(whole, damaged).dump());
        const TimePoint now = TimePoint{1h};
        for (int deadline = 1; deadline < 40; ++deadline) restored->step(DeadlineReached{}, now);
        restored->step(StopRequested{req(60), true}, now);
        for (const GenerationView& generation : restored->view().generations) {
            for (const WorkerView& worker : generation.workers)
                restored->step(WorkerExited{worker.worker, {}}, now);
        }
        CHECK(restored->view().generations.empty());
    });
    CHECK(refused > 1'000);
    CHECK(accepted > 100);  // durations, times, counters
}
