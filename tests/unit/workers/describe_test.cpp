#include "master/workers/describe.h"

#include <csignal>

#include "tests/catch.h"

using namespace std::chrono_literals;
using sup::describe;
using sup::core::Failure;
using sup::core::Slot;
using sup::core::WorkerId;
namespace failure = sup::core::failure;

namespace {

const sup::FailedWorker worker{sup::core::GenerationId{2}, 4711, 30s};

template <typename Why>
Failure about_slot_0(auto... more) {
    return Why{WorkerId{7}, Slot{0}, more...};
}

}  // namespace

TEST_CASE("how a process ended is said with its code or its signal's name") {
    CHECK(describe(sup::core::ExitStatus{false, 1}) == "exited with code 1");
    CHECK(describe(sup::core::ExitStatus{true, SIGSEGV}) == "was killed by signal 11 (SIGSEGV)");
    CHECK(describe(sup::core::ExitStatus{true, 63}) == "was killed by signal 63");
}

TEST_CASE("a failure names the worker, its generation and its pid") {
    CHECK(describe(about_slot_0<failure::ExitedBeforeReady>(sup::core::ExitStatus{false, 3}), worker) ==
          "worker 0 of generation 2 (pid 4711) exited with code 3 before it was ready");
    const auto soaking = [](sup::Duration soak) {
        return about_slot_0<failure::CrashedInSoak>(sup::core::ExitStatus{true, SIGKILL}, soak);
    };
    CHECK(describe(soaking(sup::Duration{10}), worker) ==
          "worker 0 of generation 2 (pid 4711) was killed by signal 9 (SIGKILL) right after it was ready");
    CHECK(describe(soaking(sup::Duration{5000}), worker) ==
          "worker 0 of generation 2 (pid 4711) was killed by signal 9 (SIGKILL) within reload.soak");
}

TEST_CASE("a worker that served in a rolling reload and dies is not said to have died before") {
    CHECK(describe(about_slot_0<failure::ExitedBeforePromotion>(sup::core::ExitStatus{false, 3}), worker) ==
          "worker 0 of generation 2 (pid 4711) exited with code 3 before all workers were replaced");
}

TEST_CASE("a worker that never became ready is told what it should have done") {
    const std::string text = describe(about_slot_0<failure::ReadyTimeout>(), worker);
    CHECK(text.find("was not ready within 30s") != std::string::npos);
    CHECK(text.find("READY=1") != std::string::npos);
}

TEST_CASE("what a worker should have done depends on how it is said to be ready") {
    sup::FailedWorker other = worker;
    other.ready = sup::config::ReadyByAck{};
    CHECK(describe(about_slot_0<failure::ReadyTimeout>(), other).find("EINHORN_SOCK_PATH") !=
          std::string::npos);
    other.ready = sup::config::ReadyByNewline{7};
    CHECK(describe(about_slot_0<failure::ReadyTimeout>(), other).find("descriptor 7") != std::string::npos);
}

TEST_CASE("a worker that could not be started has no pid, and its reason is kept") {
    CHECK(describe(about_slot_0<failure::SpawnFailed>("worker ./x: Permission denied"), std::nullopt) ==
          "worker 0 could not be started: worker ./x: Permission denied");
}

TEST_CASE("a preparation's failure speaks for itself") {
    CHECK(describe(failure::PrepareFailed{"worker ./x: No such file or directory"}, {}) ==
          "worker ./x: No such file or directory");
    CHECK(describe(failure::Stopping{}, {}) == "stopping");
}
