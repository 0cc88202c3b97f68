#include "common/uv.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

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

namespace {

struct Ended {
    int signal = 0;
    std::string said;
};

// What becomes of a process that does this; one that hangs is ended by SIGALRM.
Ended in_child(const std::function<void()>& what) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // not a failure of the test
        ::alarm(20);
        ::dup2(ends[1], STDERR_FILENO);
        what();
        ::_exit(0);
    }
    const sup::UniqueFd reader{ends[0]};
    sup::UniqueFd{ends[1]}.reset();
    Ended ended;
    std::array<char, 1024> text{};
    for (ssize_t size = 0; (size = ::read(reader.get(), text.data(), text.size())) > 0;)
        ended.said.append(text.data(), static_cast<std::size_t>(size));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return ended;
}

void destroy_a_loop_with_open_handles(sup::uv::LeftOpen left_open) {
    uv_timer_t timer;
    uv_idle_t idle;
    sup::uv::Loop loop(left_open);
    uv_loop_t* raw = loop.get();
    uv_timer_init(raw, &timer);
    uv_timer_start(
        &timer, [](uv_timer_t*) { std::fputs("called\n", stderr); }, 0, 1);
    uv_idle_init(raw, &idle);
}

}  // namespace

TEST_CASE("a loop never waits for handles that were left open: it names them, and aborts or goes") {
    const Ended aborted = in_child([] { destroy_a_loop_with_open_handles(sup::uv::LeftOpen::aborts); });
    CHECK(aborted.signal == SIGABRT);
    CHECK(aborted.said.find("open handles (timer, idle)") != std::string::npos);
    const Ended gone = in_child([] { destroy_a_loop_with_open_handles(sup::uv::LeftOpen::is_abandoned); });
    CHECK(gone.signal == 0);
    CHECK(gone.said.find("open handles (timer, idle)") != std::string::npos);
    CHECK(gone.said.find("called") == std::string::npos);
}
