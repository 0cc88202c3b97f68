#include "master/queue_watch.h"

#include "tests/catch.h"

using sup::QueueHistory;

namespace {

QueueHistory after(std::initializer_list<std::uint64_t> lengths) {
    QueueHistory history;
    for (const std::uint64_t length : lengths) history.saw(length);
    return history;
}

}  // namespace

TEST_CASE("an empty queue is nothing to look at again") {
    CHECK_FALSE(after({0, 0, 0}).suspicious());
    CHECK_FALSE(after({}).suspicious());
}

TEST_CASE("a queue in which somebody waits is looked at until it is known whether anybody accepts") {
    CHECK(after({1}).suspicious());
    CHECK(after({37, 37, 37}).suspicious());
    CHECK_FALSE(after({37, 37, 37}).unattended());
    CHECK(after({37, 37, 38, 38, 38, 40, 40, 40}).unattended());
}

TEST_CASE("a queue that gets shorter is served, however long it is") {
    CHECK_FALSE(after({40, 41, 42, 39, 40, 41, 42, 43, 40}).unattended());
    CHECK_FALSE(after({9, 9, 9, 9, 9, 9, 9, 9, 0}).unattended());
    CHECK_FALSE(after({9, 9, 9, 9, 9, 9, 9, 9, 8}).unattended());
}
