// Reads what save.cpp wrote, and trusts none of it: a document that is not a state of a supervisor is an
// Error.
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "master/core/invariants.h"
#include "master/core/state.h"
#include "master/core/supervisor.h"

namespace sup::core {
namespace {

using nlohmann::json;

// Thrown and caught in this file.
struct Malformed {
    std::string message;
};

// A value of the document and where it stands.
class Saved {
public:
    Saved(const json& value, std::string where) : value_(value), where_(std::move(where)) {}

    Saved operator[](const char* key) const {
        const auto found = value_.is_object() ? value_.find(key) : value_.end();
        if (!value_.is_object() || found == value_.end()) fail(std::string("has no \"") + key + "\"");
        return {*found, where_ + "/" + key};
    }

    template <typename F>
    auto each(F read) const {
        if (!value_.is_array()) fail("is not an array");
        std::vector<decltype(read(*this))> values;
        for (std::size_t i = 0; i < value_.size(); ++i) {
            values.push_back(read(Saved(value_[i], where_ + "/" + std::to_string(i))));
        }
        return values;
    }

    template <typename F>
    auto optional(F read) const -> std::optional<decltype(read(*this))> {
        if (value_.is_null()) return std::nullopt;
        return read(*this);
    }

    bool boolean() const {
        if (!value_.is_boolean()) fail("is not true or false");
        return value_.get<bool>();
    }

    std::int64_t number(std::int64_t least, std::int64_t most) const {
        if (!value_.is_number_integer()) fail("is not a whole number");
        const bool huge =
            value_.is_number_unsigned() && value_.get<std::uint64_t>() > static_cast<std::uint64_t>(most);
        if (huge || value_.get<std::int64_t>() < least || value_.get<std::int64_t>() > most)
            fail("is out of range");
        return value_.get<std::int64_t>();
    }

    std::uint64_t any_unsigned() const {
        if (!value_.is_number_unsigned()) fail("is not a whole number from 0");
        return value_.get<std::uint64_t>();
    }

    template <typename E>
    E one_of(std::initializer_list<E> values) const {
        for (const E value : values) {
            if (value_.is_string() && value_.get_ref<const std::string&>() == to_string(value)) return value;
        }
        fail("is not the name of a state");
    }

    [[noreturn]] void fail(const std::string& why) const { throw Malformed{where_ + " " + why}; }

private:
    const json& value_;
    std::string where_;
};

std::uint32_t count(const Saved& saved) {
    return static_cast<std::uint32_t>(saved.number(0, std::numeric_limits<std::uint32_t>::max()));
}

template <typename Id>
Id id(const Saved& saved) {
    using Number = std::underlying_type_t<Id>;
    if constexpr (sizeof(Number) == sizeof(std::uint32_t))
        return Id{count(saved)};
    else
        return Id{saved.any_unsigned()};
}

Duration duration(const Saved& saved) {
    return Duration{saved.number(0, longest_duration.count())};
}

TimePoint time_point(const Saved& saved) {
    constexpr std::int64_t furthest = 2 * longest_duration.count();
    return TimePoint{Duration{saved.number(-furthest, furthest)}};
}

Policy policy(const Saved& saved) {
    return {.count = count(saved["count"]),
            .ready_after = saved["ready_after"].optional(duration),
            .ready_timeout = duration(saved["ready_timeout"]),
            .drain_timeout = duration(saved["drain_timeout"]),
            .soak = duration(saved["soak"]),
            .later_soak = duration(saved["later_soak"]),
            .start_soak = duration(saved["start_soak"]),
            .max_surge = saved["max_surge"].optional(count),
            .max_draining = count(saved["max_draining"]),
            .restart_min_uptime = duration(saved["restart_min_uptime"]),
            .backoff_min = duration(saved["backoff_min"]),
            .backoff_max = duration(saved["backoff_max"])};
}

Request request(const Saved& saved) {
    return {id<RequestId>(saved["request"]),
            saved["drained"].boolean() ? WaitFor::drained : WaitFor::promoted};
}

Reload reload(const Saved& saved) {
    return {id<GenerationId>(saved["generation"]), saved["askers"].each(request)};
}

DrainedWaiter drained_waiter(const Saved& saved) {
    return {id<RequestId>(saved["request"]), id<GenerationId>(saved["promoted"]),
            id<GenerationId>(saved["replaced"])};
}

ExitStatus exit_status(const Saved& saved) {
    return {.signalled = saved["signalled"].boolean(),
            .code = static_cast<int>(saved["code"].number(0, std::numeric_limits<int>::max()))};
}

LastExit last_exit(const Saved& saved) {
    return {.status = saved["status"].optional(exit_status), .at = time_point(saved["at"])};
}

SlotRecord slot_record(const Saved& saved) {
    return {.worker = saved["worker"].optional(id<WorkerId>),
            .restart = saved["restart"].optional(id<TimerId>),
            .spawns = count(saved["spawns"]),
            .short_lives = count(saved["short_lives"]),
            .last_exit = saved["last_exit"].optional(last_exit),
            .spoke = saved["spoke"].boolean()};
}

Worker worker(const Saved& saved, GenerationId generation) {
    return {.id = id<WorkerId>(saved["worker"]),
            .generation = generation,
            .slot = count(saved["slot"]),
            .state = saved["state"].one_of({WorkerState::spawning, WorkerState::starting, WorkerState::ready,
                                            WorkerState::draining, WorkerState::killing}),
            .spawned_at = time_point(saved["spawned_at"]),
            .spawned = saved["spawned"].boolean(),
            .was_ready = saved["was_ready"].boolean(),
            .channel = saved["channel"].boolean(),
            .restarts = count(saved["restarts"]),
            .timer = saved["timer"].optional(id<TimerId>),
            .soak = saved["soak"].optional(duration),
            .successor = saved["successor"].optional(id<GenerationId>),
            .inbox = saved["inbox"].optional(id<GenerationId>)};
}

Generation generation(const Saved& saved) {
    Generation read{.id = id<GenerationId>(saved["generation"]),
                    .state = saved["state"].one_of({GenerationState::starting, GenerationState::soaking,
                                                    GenerationState::active, GenerationState::draining,
                                                    GenerationState::aborting}),
                    .policy = policy(saved["policy"]),
                    .created_at = time_point(saved["created_at"]),
                    .slots = saved["slots"].each(slot_record),
                    .workers = {},
                    .soak = saved["soak"].optional(id<TimerId>),
                    .inbox_closed = saved["inbox_closed"].boolean()};
    saved["workers"].each([&](const Saved& each) {
        const Worker member = worker(each, read.id);
        if (!read.workers.emplace(member.id, member).second) each.fail("is there twice");
        return true;
    });
    return read;
}

std::map<GenerationId, Generation> generations(const Saved& saved) {
    std::map<GenerationId, Generation> read;
    saved.each([&](const Saved& each) {
        Generation member = generation(each);
        const GenerationId number = member.id;
        if (!read.emplace(number, std::move(member)).second) each.fail("is there twice");
        return true;
    });
    return read;
}

// Only the owner of a timer says what it is for.
class Timers {
public:
    explicit Timers(const Saved& saved) : saved_(saved) {
        saved.each([&](const Saved& each) {
            const bool fresh = unclaimed_.emplace(id<TimerId>(each["timer"]), time_point(each["at"])).second;
            if (!fresh) each.fail("is there twice");
            return true;
        });
    }

    template <typename Purpose>
    void claim(const std::optional<TimerId>& timer, Purpose purpose) {
        if (!timer) return;
        const auto found = unclaimed_.find(*timer);
        if (found == unclaimed_.end()) saved_.fail("has not each timer that something waits for, once");
        claimed_.emplace(*timer, Timer{purpose, found->second});
        unclaimed_.erase(found);
    }

    std::map<TimerId, Timer> all_claimed() && {
        if (!unclaimed_.empty()) saved_.fail("has a timer that nothing waits for");
        return std::move(claimed_);
    }

private:
    Saved saved_;
    std::map<TimerId, TimePoint> unclaimed_;
    std::map<TimerId, Timer> claimed_;
};

void claim_timer(Timers& timers, const Worker& worker, const Policy& policy) {
    if (worker.state == WorkerState::draining)
        timers.claim(worker.timer, DrainDeadline{worker.id});
    else if (worker.state == WorkerState::ready)
        timers.claim(worker.timer, SlotSoakEnd{worker.id});
    else if (policy.ready_after)
        timers.claim(worker.timer, ReadyDelay{worker.id});
    else
        timers.claim(worker.timer, ReadyDeadline{worker.id});
}

std::map<TimerId, Timer> timers(const Saved& saved, const Instance& instance) {
    Timers timers(saved);
    for (const auto& [generation_id, generation] : instance.generations) {
        timers.claim(generation.soak, SoakEnd{generation_id});
        for (const auto& [worker_id, worker] : generation.workers)
            claim_timer(timers, worker, generation.policy);
        for (Slot slot = 0; slot < generation.slots.size(); ++slot) {
            timers.claim(generation.slots[slot].restart, RestartDue{generation_id, slot});
        }
    }
    return std::move(timers).all_claimed();
}

Instance instance(const Saved& saved) {
    if (saved["version"].number(0, std::numeric_limits<std::int64_t>::max()) != 1) {
        saved["version"].fail("is not one that this program knows (1)");
    }
    Instance read;
    read.started = saved["started"].boolean();
    read.exit_code =
        saved["exit_code"].optional([](const Saved& code) { return static_cast<int>(code.number(0, 1)); });
    read.exited = saved["exited"].boolean();
    read.generations = generations(saved["generations"]);
    read.waiting = saved["waiting"].each(request);
    read.reload = saved["reload"].optional(reload);
    read.announced_draining = saved["announced_draining"].optional(count);
    read.drained_waiters = saved["drained_waiters"].each(drained_waiter);
    read.stop_requests = saved["stop_requests"].each(id<RequestId>);
    read.stop_signalled_at = saved["stop_signalled_at"].optional(time_point);
    read.next_generation = id<GenerationId>(saved["next_generation"]);
    read.next_worker = id<WorkerId>(saved["next_worker"]);
    read.next_timer = id<TimerId>(saved["next_timer"]);
    read.random = saved["random"].any_unsigned();
    read.timers = timers(saved["timers"], read);
    if (const char* broken = broken_invariant(read))
        saved.fail(std::string("breaks the rule that ") + broken);
    return read;
}

}  // namespace

Result<Supervisor> Supervisor::restore(const nlohmann::json& saved) {
    try {
        return Supervisor(std::make_unique<Instance>(instance(Saved(saved, "the saved state"))));
    } catch (const Malformed& malformed) {
        return Error{malformed.message};
    }
}

}  // namespace sup::core
