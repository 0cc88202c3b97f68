#include "master/status/core_events.h"

#include "master/status/json.h"
#include "tests/catch.h"

using namespace sup;
using namespace sup::status;

namespace {

constexpr core::GenerationId second{2};

}  // namespace

TEST_CASE("a generation's event tells how many workers it has, and how many are ready") {
    CHECK(to_json(event_of(core::GenerationChanged{second, core::GenerationState::soaking, {}, {}, 4, 1})) ==
          R"({"generation":2,"ready":1,"state":"soaking","type":"generation","workers":4})");
    CHECK(to_json(event_of(core::GenerationChanged{second, core::GenerationState::gone, {}})) ==
          R"({"generation":2,"ready":0,"state":"gone","type":"generation","workers":0})");
}

TEST_CASE("a worker's events tell who it is, and how far its generation has come") {
    const core::WorkerChanged change{core::WorkerId{1}, second, 0, core::WorkerState::ready, 1, 4};
    CHECK(to_json(event_of(change, 4711)) ==
          R"({"generation":2,"pid":4711,"slot":0,"state":"ready","type":"worker"})");
    CHECK(to_json(worker_ready_event(change, 4711)) ==
          R"({"count":4,"generation":2,"pid":4711,"ready":1,"slot":0,"type":"worker_ready"})");
}

TEST_CASE("the log's entries are events, by their level") {
    CHECK(to_json(log_event(config::LogLevel::warning, "why")) ==
          R"({"level":"warning","message":"why","type":"log"})");
}
