// One step in the making: the instance it works on, what time it is, and the actions so far. All that the
// rules do to the outside goes through here.
#pragma once

#include <optional>
#include <vector>

#include "master/core/action.h"
#include "master/core/deadlines.h"
#include "master/core/state.h"

namespace sup::core {

struct Step {
    Instance& instance;
    Deadlines& deadlines;
    TimePoint now;
    std::vector<Action> actions = {};

    void act(Action action) { actions.push_back(std::move(action)); }
};

// `now` plus a duration, without overflow.
TimePoint later(TimePoint now, Duration duration);

// Sets, moves or ends the deadline of who waits. A worker's is part of its state.
void set_state(Step& step, Worker& worker, const Worker::State& state);
void set_deadline(Step& step, Generation& generation, std::optional<TimePoint> at);
void set_restart(Step& step, Generation& generation, Slot slot, std::optional<TimePoint> at);

void change(Step& step, Worker& worker, const Worker::State& state);
void change(Step& step, Generation& generation, GenerationState state, std::optional<Failure> failure = {},
            std::optional<Duration> soak = {});

// Gives each of them its one outcome and forgets them.
void reply_failed(Step& step, std::vector<Request>& requests, const Failure& failure,
                  std::optional<GenerationId> generation = {});

// A broken invariant ends the program at once and says which: going on could only do more harm.
[[noreturn]] void fail(const char* invariant);
inline void require(bool holds, const char* invariant) {
    if (!holds) fail(invariant);
}

}  // namespace sup::core
