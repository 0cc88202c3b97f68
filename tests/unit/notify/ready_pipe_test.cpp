#include "master/notify/ready_pipe.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

namespace {

struct ReadyFixture {
    uv::Loop loop;
    int ready = 0;
    std::vector<std::string> troubles;
    std::unique_ptr<ReadyPipe> pipe;

    ReadyFixture() {
        auto opened = ReadyPipe::open(
            loop.get(), {[this] { ++ready; }, [this](const std::string& what) { troubles.push_back(what); }});
        REQUIRE(opened);
        pipe = std::move(*opened);
    }
    void say(std::string_view text) const {
        REQUIRE(::write(pipe->worker_end(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
};

}  // namespace

TEST_CASE("a newline says ready, once, whatever stands before it") {
    ReadyFixture fixture;
    fixture.say("starting");
    fixture.pipe->drain();
    CHECK(fixture.ready == 0);
    fixture.say(" up\n");
    REQUIRE(run_until(fixture.loop, [&] { return fixture.ready == 1; }));
    fixture.say("\n");
    fixture.pipe->drain();
    CHECK(fixture.ready == 1);
}

TEST_CASE("a newline from a worker that has gone meanwhile is heard") {
    ReadyFixture fixture;
    fixture.say("\n");
    fixture.pipe->close_worker_end();
    fixture.pipe->drain();
    CHECK(fixture.ready == 1);
    CHECK(fixture.troubles.empty());
}

TEST_CASE("an end without a newline is not ready, and is told") {
    ReadyFixture fixture;
    fixture.say("almost");
    fixture.pipe->close_worker_end();
    REQUIRE(run_until(fixture.loop, [&] { return fixture.troubles.size() == 1; }));
    CHECK(fixture.ready == 0);
}

TEST_CASE("a worker that goes on writing after its newline never waits, and its end is no trouble") {
    ReadyFixture fixture;
    REQUIRE(::fcntl(fixture.pipe->worker_end(), F_SETFL, O_NONBLOCK) == 0);
    const auto unread = [&] {
        int bytes = 0;
        REQUIRE(::ioctl(fixture.pipe->worker_end(), FIONREAD, &bytes) == 0);
        return bytes;
    };
    fixture.say("\n");
    for (int i = 0; i < 40; ++i) {
        fixture.say(std::string(std::size_t{4} * 1024, '\n'));
        REQUIRE(run_until(fixture.loop, [&] { return unread() == 0; }));
    }
    CHECK(fixture.ready == 1);
    fixture.pipe->close_worker_end();
    fixture.pipe->drain();
    CHECK(fixture.troubles.empty());
}
