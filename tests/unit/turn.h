// One turn of a loop, for tests that wait for what a turn brings.
#pragma once

#include <poll.h>
#include <uv.h>

#include <algorithm>

namespace sup::test {

// Ends by itself, after 10 ms at the latest where nothing happens. uv_run(UV_RUN_ONCE) of libuv before 1.45
// does not: it first calls the timers that are due, and then waits for an event. A test that was not
// scheduled until its timer was due, and waits for nothing else, would wait for ever.
inline void turn(uv_loop_t* loop) {
    uv_run(loop, UV_RUN_NOWAIT);
    constexpr int most = 10;
    const int until_timer = uv_backend_timeout(loop);
    pollfd events{uv_backend_fd(loop), POLLIN, 0};
    ::poll(&events, 1, until_timer < 0 ? most : std::min(most, until_timer));
    uv_run(loop, UV_RUN_NOWAIT);
}

}  // namespace sup::test
