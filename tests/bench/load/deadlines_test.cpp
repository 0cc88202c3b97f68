#include "tests/bench/load/deadlines.h"

#include "tests/catch.h"

using namespace std::chrono_literals;
using sup::bench::Deadlines;
using sup::bench::Time;

TEST_CASE("deadlines fall due in the order in which they were armed") {
    Deadlines deadlines(3, 10ms);
    const Time start{};
    CHECK_FALSE(deadlines.next());
    deadlines.arm(2, start);
    deadlines.arm(0, start + 1ms);
    deadlines.arm(1, start + 2ms);
    CHECK(deadlines.next() == start + 10ms);
    CHECK_FALSE(deadlines.pop(start + 9ms));
    CHECK(deadlines.pop(start + 12ms) == 2U);
    CHECK(deadlines.due(2) == start + 10ms);
    CHECK(deadlines.pop(start + 12ms) == 0U);
    CHECK(deadlines.pop(start + 12ms) == 1U);
    CHECK_FALSE(deadlines.next());
}

TEST_CASE("arming again replaces a deadline, cancelling removes it") {
    Deadlines deadlines(3, 10ms);
    const Time start{};
    for (std::uint32_t client = 0; client < 3; ++client) deadlines.arm(client, start);
    deadlines.arm(0, start + 5ms);
    deadlines.cancel(1);
    deadlines.cancel(1);
    CHECK(deadlines.pop(start + 20ms) == 2U);
    CHECK(deadlines.pop(start + 20ms) == 0U);
    CHECK_FALSE(deadlines.pop(start + 20ms));
}
