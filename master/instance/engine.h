// Steps the core: callbacks become events, events become steps, and their actions are performed.
#pragma once

#include <uv.h>

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "common/uv.h"
#include "master/core/supervisor.h"

namespace sup {

// Who performs what the core says.
class Performer {
public:
    virtual ~Performer() = default;

    // A step's event, its actions one by one in their order, and its end.
    virtual void begin(const core::Event& event) = 0;
    virtual void perform(const core::Action& action) = 0;
    virtual void end(const core::Event& event) = 0;
    // A deadline has come: whatever has happened by now, and nobody has looked at yet, is to be posted first.
    virtual void look_before_deadline() = 0;
    // There are no more events.
    virtual void turn_over() = 0;
};

// Sees each step before its actions are performed: for who holds the core and its shell to their promises.
using Witness = std::function<void(const core::Event&, core::TimePoint, const std::vector<core::Action>&,
                                   const core::Supervisor&)>;

// Main thread only. Events are worked off in a turn of the loop of their own, so that no callback finds its
// caller gone.
class Engine {
public:
    // The performer outlives it.
    Engine(uv_loop_t* loop, core::Supervisor core, Performer& performer, Witness witness = {});
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Of the loop's clock, looked at again.
    core::TimePoint now();
    void post(core::Event event);
    // Without an event: turn_over() comes soon.
    void wake();
    core::View view() const { return core_.view(); }

private:
    void work_off();
    void step(const core::Event& event);
    void await_deadline();
    void deadline_reached();

    uv_loop_t* loop_;
    core::Supervisor core_;
    Performer& performer_;
    Witness witness_;
    std::deque<core::Event> events_;
    uv::Timer turn_;
    uv::Timer deadline_;
    std::optional<core::TimePoint> awaited_;  // what the timer is armed for
    core::TimePoint looked_at_{};             // deadlines have come until then
    bool looked_ = false;                     // since the last turn
};

}  // namespace sup
