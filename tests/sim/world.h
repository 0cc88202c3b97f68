// The world around the core, faked: a virtual clock, deadlines that may be late, preparations that may fail,
// and processes that do what processes do at the worst of times. It performs the core's actions and yields
// the events that follow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <vector>

#include "master/core/action.h"
#include "master/core/event.h"
#include "tests/sim/connections.h"
#include "tests/sim/number_of.h"
#include "tests/sim/profile.h"
#include "tests/sim/random.h"

namespace sup::sim {

class World {
public:
    World(const Profile& profile, Random random, Coverage& coverage, const Trace& trace)
        : profile_(profile), random_(random), connections_(coverage, trace) {}

    core::TimePoint now() const { return now_; }
    // When something happens next; nothing when the world is quiet. A deadline that has moved does not count.
    std::optional<core::TimePoint> next_at();
    // Lets it happen; there must be something. Moves the clock to it. Nothing when the core does not hear of
    // it: what workers do with their connections.
    std::optional<core::Event> take();
    void advance(core::TimePoint to) { now_ = std::max(now_, to); }

    void perform(const core::Action& action);
    // After each step: what the core waits for now.
    void await(std::optional<core::TimePoint> deadline);
    Connections& connections() { return connections_; }

    // From now on nothing fails any more: what is planned to crash does not, what is begun succeeds.
    void calm() { calm_ = true; }
    void trouble() { calm_ = false; }

    // Somebody kills a process from outside.
    void kill_somebody();
    // An event that means nothing: of things that are gone, never were, or have happened before.
    core::Event stale_event();

private:
    struct Process {
        core::WorkerId worker;
        core::GenerationId generation;
        core::Slot slot;
        bool spawned = false;
        bool channel = false;  // it has opened it
        bool drained = false;
        bool killed = false;
        bool out_of_reach = false;  // no signal comes to it
    };
    enum class Kind {
        prepare_answer,
        spawn_success,
        spawn_failure,
        ready,
        open_channel,
        extend,
        out_of_reach,
        abandon,
        crash,
        exit,
        deadline,
        stale_deadline,
        accept,  // from here on: what the core does not hear of
        time_up,
        move_on,
        hand_over,
        take
    };
    struct Pending {
        core::TimePoint at;
        std::uint64_t order;  // among those of one instant: by chance
        Kind kind;
        std::uint64_t id;
        core::ExitStatus status;
    };
    // Which workers of a generation speak the channel (a slot's always, or never), and when those that have
    // not finished their drain end it.
    struct Dialect {
        core::GenerationId generation;
        std::uint64_t slots;  // one bit each
        Duration time_to_drain;
    };
    struct Later {
        bool operator()(const Pending& a, const Pending& b) const {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };

    void schedule(Duration delay, Kind kind, std::uint64_t id, core::ExitStatus status = {});
    bool moot(const Pending& pending);
    std::optional<core::Event> event_of(const Pending& pending);
    core::Event prepare_answer(core::GenerationId generation);
    void begin_process(const core::Spawn& spawn);
    void live(Process& process);
    void drain(Process& process);
    void kill(Process& process);
    void end(core::WorkerId worker);

    // world_connections.cpp: what workers that speak the channel do.
    bool speaks(const Process& process) const;
    void choose_dialect(core::GenerationId generation, Duration drain_timeout);
    const Dialect* dialect(core::GenerationId generation) const;
    void plan_channel(const Process& process, Duration ready);
    void open_channel(Process& process);
    void perform_handoff(const core::Action& action);
    void accept(core::WorkerId worker);
    void hand_over(core::WorkerId worker);
    void take_from(core::GenerationId inbox);
    void wake_takers();
    void time_up(core::WorkerId worker);
    void move_on();
    void move_on_later();
    bool exit(core::WorkerId worker, Kind kind, core::ExitStatus status);
    Process* find(std::uint64_t worker);
    bool bad(core::GenerationId generation) const;
    bool fault(std::uint32_t percent) { return !calm_ && random_.chance(percent); }
    core::ExitStatus crash_status();
    std::uint64_t gone_id(const std::deque<std::uint64_t>& gone);
    core::Event stale_worker_event();

    const Profile& profile_;
    Random random_;
    core::TimePoint now_{};
    bool calm_ = false;
    std::uint64_t sequence_ = 0;
    std::priority_queue<Pending, std::vector<Pending>, Later> pending_;
    std::vector<Process> processes_;  // spawned or being spawned, not yet gone
    std::optional<core::TimePoint> awaited_;
    std::uint64_t waits_ = 0;  // how many there have been; the last is the one that counts
    std::optional<core::GenerationId> preparing_;
    std::vector<core::GenerationId> bad_;
    std::vector<Dialect> dialects_;
    Connections connections_;
    bool moves_on_later_ = false;             // what was forwarded and did not fit
    std::deque<std::uint64_t> gone_workers_;  // the last few
};

}  // namespace sup::sim
