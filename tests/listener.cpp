// What holds for every test: it asserts something, in its own thread, and a skip hides no failure.
#define CATCH_CONFIG_EXTERNAL_INTERFACES  // of Catch2's version 2
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "tests/catch.h"
#include "tests/skip.h"

namespace sup::test {
namespace {

std::string& reason_to_skip() {
    static std::string reason;
    return reason;
}

#if CATCH_VERSION_MAJOR == 2
using Base = Catch::TestEventListenerBase;
#else
using Base = Catch::EventListenerBase;
#endif

class Listener : public Base {
public:
    using Base::Base;

    // Catch2 does not guard its books: an assertion in another thread may be lost, or break them.
    void assertionStarting(const Catch::AssertionInfo& info) override {
        if (std::this_thread::get_id() == own_) return;
        std::cerr << info.lineInfo << ": an assertion in another thread than the test's" << std::endl;
        std::abort();
    }

    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        const std::string reason = std::exchange(reason_to_skip(), {});
        if (reason.empty() && stats.totals.assertions.total() == 0) {
            std::cerr << stats.testInfo.lineInfo << ": a test that asserts nothing" << std::endl;
            std::abort();
        }
        if (reason.empty()) return;
        // The words that ctest looks for (SKIP_REGULAR_EXPRESSION) count more than a failure to it.
        const bool failed = !stats.totals.assertions.allOk();
        std::cout << (failed ? "would have been skipped, and failed: " : "SKIPPED: ") << reason << std::endl;
    }

private:
    const std::thread::id own_ = std::this_thread::get_id();
};

CATCH_REGISTER_LISTENER(Listener)

}  // namespace

void skip(const std::string& reason) {
    reason_to_skip() = reason;
}

}  // namespace sup::test
