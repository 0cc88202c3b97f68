#include "common/scoreboard.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/catch.h"

TEST_CASE("what a worker counts, the master reads") {
    auto master = sup::Scoreboard::create(4);
    REQUIRE(master.ok());
    auto worker = sup::Scoreboard::map(sup::UniqueFd{::dup(master->fd())});
    REQUIRE(worker.ok());
    REQUIRE(worker->size() == 4);
    worker->row(2).connections.store(7, std::memory_order_relaxed);
    CHECK(master->row(2).connections.load(std::memory_order_relaxed) == 7);
    CHECK(master->row(1).connections.load(std::memory_order_relaxed) == 0);
    auto& row = worker->row(2);
    const auto counters = {&row.accepting, &row.connections, &row.requests, &row.accepts,
                           &row.taken,     &row.handed_over, &row.drained,  &row.closed};
    for (auto* counter : counters) counter->store(7, std::memory_order_relaxed);
    master->clear(2);
    for (auto* counter : counters) CHECK(counter->load(std::memory_order_relaxed) == 0);
}

TEST_CASE("a worker cannot take the memory away under its readers") {
    const auto scoreboard = sup::Scoreboard::create(4);
    CHECK(::ftruncate(scoreboard->fd(), 0) != 0);
    CHECK(::ftruncate(scoreboard->fd(), 1 << 20) != 0);
}

TEST_CASE("memory that is not sealed, and what is no memory, is refused") {
    sup::UniqueFd open{::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    REQUIRE(::ftruncate(open.get(), 4096) == 0);
    CHECK_FALSE(sup::Scoreboard::map(std::move(open)).ok());
    CHECK_FALSE(sup::Scoreboard::map(sup::UniqueFd{::dup(0)}).ok());
    CHECK_FALSE(sup::Scoreboard::map(sup::UniqueFd{}).ok());
}
