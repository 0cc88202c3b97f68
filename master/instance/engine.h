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

// Performs what the core says.
class Performer {
public:
    virtual ~Performer() = default;

    // For each step: its event, its actions one by one in order, and its end.
    virtual void begin(const core::Event& event) = 0;
    virtual void perform(const core::Action& action) = 0;
    virtual void end(const core::Event& event) = 0;
    // A deadline has come: post first what has happened by now and has not been looked at yet.
    virtual void look_before_deadline() = 0;
    // There are no more events.
    virtual void turn_over() = 0;
};

// Sees each step before its actions are performed: for tests that hold the core and its shell to their
// promises.
using Witness = std::function<void(const core::Event&, core::TimePoint, const std::vector<core::Action>&,
                                   const core::Supervisor&)>;

// Main thread only. Events are processed in a separate turn of the loop, so that no callback finds its caller
// gone.
class Engine {
public:
    // The performer outlives it.
    Engine(uv_loop_t* loop, core::Supervisor core, Performer& performer, Witness witness = {});
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // By the loop's clock, read anew.
    core::TimePoint now();
    void post(core::Event event);
    // Makes turn_over() come soon, without an event.
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
    core::TimePoint looked_at_{};             // deadlines up to then have come
    bool looked_ = false;                     // since the last turn
};

}  // namespace sup
