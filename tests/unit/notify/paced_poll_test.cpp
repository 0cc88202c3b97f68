#include "master/notify/paced_poll.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

TEST_CASE("a burst is read at once, and then so many per second") {
    Pace pace;
    std::uint64_t heard = 0;
    while (pace.take(1000)) ++heard;
    CHECK(heard == Pace::burst);
    for (std::uint64_t now = 1001; now <= 2000; ++now) heard += pace.take(now) ? 1 : 0;
    CHECK(heard == Pace::burst + Pace::per_second);
    while (pace.take(100'000)) ++heard;
    CHECK(heard == 2 * Pace::burst + Pace::per_second);
    CHECK_FALSE(pace.take(50'000));  // a clock that goes back
}

TEST_CASE("a sender that never pauses is left to wait, and everything is heard in the end") {
    uv::Loop loop;
    const Pipe pipe = make_pipe();
    REQUIRE(::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) == 0);
    const std::string flood(500, 'x');
    REQUIRE(::write(pipe.writer.get(), flood.data(), flood.size()) == 500);
    std::size_t heard = 0;
    auto poll = PacedPoll::create(loop.get(), pipe.reader.get(), [&] {
        char byte = 0;
        const bool got = ::read(pipe.reader.get(), &byte, 1) == 1;
        heard += got ? 1 : 0;
        return got;
    });
    REQUIRE(poll);
    // Whatever time a turn takes, it hears some and no more.
    for (int turn = 0; turn < 4; ++turn) uv_run(loop.get(), UV_RUN_NOWAIT);
    CHECK(heard > 0);
    CHECK(heard <= Pace::burst);
    CHECK(run_until(loop, [&] { return heard == 500; }));
}

TEST_CASE("what is heard may destroy the watch") {
    uv::Loop loop;
    const Pipe pipe = make_pipe();
    REQUIRE(::write(pipe.writer.get(), "xx", 2) == 2);
    std::unique_ptr<PacedPoll> poll;
    auto created = PacedPoll::create(loop.get(), pipe.reader.get(), [&] {
        poll.reset();
        return true;
    });
    REQUIRE(created);
    poll = std::move(*created);
    CHECK(run_until(loop, [&] { return poll == nullptr; }));
}
