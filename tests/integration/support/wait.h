// Waiting for something to come true, never for time to pass.
#pragma once

#include <chrono>
#include <thread>

namespace sup::test {

// How long anything may take before the test gives it up. Generous: it never decides a test that passes.
inline constexpr std::chrono::seconds patience{30};

// Whether `condition` came true before the deadline.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds deadline = patience) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace sup::test
