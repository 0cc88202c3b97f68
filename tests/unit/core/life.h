// An instance's life in a test: facts in, and what the supervisor did about them as lines. Between any two
// steps the supervisor is saved and restored, so every promise is also one about a state that was taken over.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "master/core/supervisor.h"

namespace sup::core::testing {

using Lines = std::vector<std::string>;

class Life {
public:
    explicit Life(std::uint64_t seed = 1);

    // One step. The lines are what it did, without the changes of single workers, and what only says in full
    // what a change in the lines means.
    Lines feed(const Event& event);
    // Lets time pass, and reports each deadline that comes, in order. The lines of all these steps.
    Lines pass(Duration duration);

    Lines start(const Policy& policy, RequestId request = RequestId{1});  // StartRequested, Prepared
    void serve(const Policy& policy);  // started, all workers ready, soaked
    Lines reload(RequestId request, WaitFor wait = WaitFor::promoted);
    Lines stop(RequestId request, bool now = false);
    Lines prepared(GenerationId generation, const Policy& policy);
    void spawned(GenerationId generation);  // all its workers that are spawning
    Lines ready(GenerationId generation);   // all its workers that are not; the lines of the last step
    Lines exit(WorkerId worker, int code = 0);
    Lines exit_all(GenerationId generation);
    Lines replace(GenerationId generation,
                  const Policy& policy);  // a reload up to the promotion: its last step

    View view() const { return supervisor_.view(); }
    std::optional<GenerationView> generation(GenerationId id) const;  // nothing when it is gone
    std::vector<WorkerView> workers(GenerationId generation) const;
    WorkerState state(WorkerId worker) const;  // exited when it is not there
    TimePoint now() const { return now_; }
    const std::vector<Action>& actions() const { return actions_; }  // of the last step, all of them
    std::optional<TimePoint> next_deadline() const { return supervisor_.next_deadline(); }
    const Serving& serving() const { return serving_; }             // as the last Steer said
    const std::set<WorkerId>& patient() const { return patient_; }  // as each SetPatience said
    Supervisor& supervisor() { return supervisor_; }

private:
    Supervisor supervisor_;
    TimePoint now_{Duration{1'000'000}};
    std::vector<Action> actions_;
    Serving serving_;
    std::set<WorkerId> patient_;
};

// The action of that type in the list; there must be exactly one.
template <typename T>
T the(const std::vector<Action>& actions) {
    std::vector<T> found;
    for (const Action& action : actions) {
        if (const T* match = std::get_if<T>(&action)) found.push_back(*match);
    }
    if (found.size() != 1) throw std::runtime_error("expected exactly one such action");
    return found.front();
}

// How many lines begin like that.
std::size_t count(const Lines& lines, const std::string& beginning);
bool contains(const Lines& lines, const std::string& line);
// One after the other; a braced list is evaluated in order, as operands are not.
Lines joined(std::initializer_list<Lines> parts);

constexpr GenerationId gen(std::uint32_t number) {
    return GenerationId{number};
}
constexpr WorkerId wrk(std::uint64_t number) {
    return WorkerId{number};
}
constexpr RequestId req(std::uint64_t number) {
    return RequestId{number};
}

// Two workers that say when they are ready; all else as the defaults are.
Policy policy_of(std::uint32_t count = 2);
Policy rolling(std::uint32_t count, std::uint32_t max_surge = 1);

// Generation 1 serves with two workers, and of the two that are to replace them one is ready: worker 3 of
// generation 2, for request 2.
Life half_way(const Policy& policy = policy_of());

}  // namespace sup::core::testing
