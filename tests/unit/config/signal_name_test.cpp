#include "config/signal_name.h"

#include <csignal>

#include "tests/catch.h"

using sup::config::drain_signal;

TEST_CASE("a signal is named with or without SIG") {
    CHECK(drain_signal("SIGTERM") == SIGTERM);
    CHECK(drain_signal("TERM") == SIGTERM);
    CHECK(drain_signal("SIGWINCH") == SIGWINCH);
    CHECK(drain_signal("SIGRTMIN") == SIGRTMIN);
    CHECK(drain_signal("RTMIN+3") == SIGRTMIN + 3);
    CHECK(drain_signal("SIGRTMIN+30") == SIGRTMAX);
}

TEST_CASE("what names no signal to drain with is refused") {
    for (const char* name :
         {"", "SIG", "15", "SIGSIGTERM", "sigterm", "SIGKILL", "STOP", "SIGSEGV", "SIGRTMIN+", "SIGRTMIN+31",
          "SIGRTMIN+0", "SIGRTMIN+03", "SIGRTMIN-1", "SIGRTMIN+-1", "SIGRTMIN+1x", "RTMAX"}) {
        INFO(name);
        CHECK_FALSE(drain_signal(name).has_value());
    }
}
