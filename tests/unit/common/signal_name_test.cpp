#include "common/signal_name.h"

#include <csignal>

#include "tests/catch.h"

using namespace sup;

TEST_CASE("a signal's number has one name, and the name leads back") {
    for (const auto& [number, name] : {std::pair(SIGTERM, "SIGTERM"),
                                       {SIGKILL, "SIGKILL"},
                                       {SIGIO, "SIGIO"},
                                       {SIGCHLD, "SIGCHLD"},
                                       {SIGRTMIN, "SIGRTMIN"},
                                       {SIGRTMIN + 3, "SIGRTMIN+3"}}) {
        CHECK(signal_name(number) == name);
        CHECK(signal_number(name) == number);
    }
    for (int number = 1; number < SIGSYS; ++number) CHECK(signal_number(signal_name(number)) == number);
    CHECK(signal_number("TERM") == SIGTERM);
    CHECK(signal_number("RTMIN+3") == SIGRTMIN + 3);
    CHECK(signal_number("SIGRTMIN+30") == SIGRTMAX);
}

TEST_CASE("what names no signal has no number") {
    for (const char* name :
         {"", "SIG", "15", "SIGSIGTERM", "sigterm", "SIGNONE", "SIGRTMIN+", "SIGRTMIN+31", "SIGRTMIN+0",
          "SIGRTMIN+03", "SIGRTMIN-1", "SIGRTMIN+-1", "SIGRTMIN+1x", "RTMAX"}) {
        INFO(name);
        CHECK_FALSE(signal_number(name));
    }
    CHECK(signal_name(0) == "signal 0");
    CHECK(signal_name(200) == "signal 200");
}

TEST_CASE("what ended a process is told with the signal's number") {
    CHECK(numbered_signal(SIGSEGV) == "signal 11 (SIGSEGV)");
    CHECK(numbered_signal(63) == "signal 63");
}
