#include "common/uv.h"

#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

#include "common/unique_fd.h"
#include "tests/catch.h"

using namespace std::chrono_literals;

TEST_CASE("a timer may destroy itself in its callback") {
    sup::uv::Loop loop;
    std::optional<sup::uv::Timer> timer;
    int fired = 0;
    timer.emplace(loop.get(), [&] {
        ++fired;
        timer.reset();
    });
    timer->arm(1ms);
    loop.run();
    CHECK(fired == 1);
}

TEST_CASE("a cancelled timer does not fire") {
    sup::uv::Loop loop;
    bool fired = false;
    sup::uv::Timer timer(loop.get(), [&] { fired = true; });
    timer.arm(0ms);
    timer.cancel();
    loop.run();
    CHECK_FALSE(fired);
    timer = {};
}

TEST_CASE("a watch reports a readable descriptor and may destroy itself") {
    sup::uv::Loop loop;
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    sup::UniqueFd reader{ends[0]};
    sup::UniqueFd writer{ends[1]};
    int seen = 0;
    sup::uv::Poll watch;
    watch = std::move(*sup::uv::Poll::create(loop.get(), reader.get(), [&](int status, int events) {
        CHECK(status == 0);
        seen = events;
        watch = {};
    }));
    watch.start(UV_READABLE);
    REQUIRE(::write(writer.get(), "x", 1) == 1);
    loop.run();
    CHECK(seen == UV_READABLE);
}

TEST_CASE("a descriptor that cannot be watched is an error") {
    sup::uv::Loop loop;
    CHECK_FALSE(sup::uv::Poll::create(loop.get(), -1, [](int, int) {}).ok());
}

TEST_CASE("a signal calls back in the loop") {
    sup::uv::Loop loop;
    int arrivals = 0;
    sup::uv::Signal watch;
    watch = sup::uv::Signal(loop.get(), SIGUSR1, [&] {
        ++arrivals;
        watch = {};
    });
    REQUIRE(::raise(SIGUSR1) == 0);
    loop.run();
    CHECK(arrivals == 1);
}
