#include "tests/unit/core/life.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/catch.h"

namespace sup::core::testing {
namespace {

bool is_detail(const Action& action) {
    return std::holds_alternative<WorkerChanged>(action) || std::holds_alternative<Steer>(action) ||
           std::holds_alternative<Promote>(action) || std::holds_alternative<GiveUp>(action) ||
           std::holds_alternative<NoteSockets>(action) || std::holds_alternative<RestoreSockets>(action) ||
           std::holds_alternative<SetPatience>(action);
}

Supervisor taken_over(const Supervisor& supervisor) {
    const nlohmann::json saved = supervisor.save();
    Result<Supervisor> restored = Supervisor::restore(nlohmann::json::parse(saved.dump()));
    INFO(saved.dump(2));
    if (!restored) FAIL(restored.error().message);
    REQUIRE(restored->save() == saved);
    REQUIRE(restored->next_deadline() == supervisor.next_deadline());
    return std::move(restored).value();
}

}  // namespace

Life::Life(std::uint64_t seed) : supervisor_(seed) {}

Lines Life::feed(const Event& event) {
    actions_ = supervisor_.step(event, now_);
    supervisor_ = taken_over(supervisor_);
    Lines lines;
    for (const Action& action : actions_) {
        if (const auto* steer = std::get_if<Steer>(&action)) serving_ = steer->serving;
        if (const auto* set = std::get_if<SetPatience>(&action)) {
            REQUIRE(patient_.contains(set->worker) != set->patient);
            if (set->patient)
                patient_.insert(set->worker);
            else
                patient_.erase(set->worker);
        }
        if (!is_detail(action)) lines.push_back(to_string(action));
    }
    return lines;
}

Lines Life::pass(Duration duration) {
    const TimePoint end = now_ + duration;
    Lines lines;
    for (auto next = next_deadline(); next && *next <= end; next = next_deadline()) {
        now_ = std::max(now_, *next);
        lines = joined({lines, feed(DeadlineReached{})});
    }
    now_ = end;
    return lines;
}

Lines Life::start(const Policy& policy, RequestId request) {
    return joined({feed(StartRequested{request}), prepared(gen(1), policy)});
}

void Life::serve(const Policy& policy) {
    start(policy);
    spawned(gen(1));
    ready(gen(1));
    pass(policy.start_soak);
    REQUIRE(view().state == InstanceState::running);
}

Lines Life::reload(RequestId request, WaitFor wait) {
    return feed(ReloadRequested{request, wait});
}
Lines Life::stop(RequestId request, bool now) {
    return feed(StopRequested{request, now});
}
Lines Life::prepared(GenerationId generation, const Policy& policy) {
    return feed(Prepared{generation, policy});
}

void Life::spawned(GenerationId generation) {
    for (const WorkerView& worker : workers(generation)) {
        if (worker.state == WorkerState::spawning) feed(WorkerSpawned{worker.worker});
    }
}

Lines Life::ready(GenerationId generation) {
    Lines last;
    for (const WorkerView& worker : workers(generation)) {
        if (worker.state == WorkerState::starting) last = feed(WorkerReady{worker.worker});
    }
    return last;
}

Lines Life::exit(WorkerId worker, int code) {
    return feed(WorkerExited{worker, {.signalled = false, .code = code}});
}

Lines Life::exit_all(GenerationId generation) {
    Lines lines;
    for (const WorkerView& worker : workers(generation)) lines = joined({lines, exit(worker.worker)});
    return lines;
}

Lines Life::replace(GenerationId generation, const Policy& policy) {
    reload(RequestId{1000 + static_cast<std::uint64_t>(generation)});
    prepared(generation, policy);
    spawned(generation);
    return ready(generation);
}

std::optional<GenerationView> Life::generation(GenerationId id) const {
    for (const GenerationView& generation : view().generations) {
        if (generation.generation == id) return generation;
    }
    return std::nullopt;
}

std::vector<WorkerView> Life::workers(GenerationId id) const {
    const std::optional<GenerationView> found = generation(id);
    return found ? found->workers : std::vector<WorkerView>{};
}

WorkerState Life::state(WorkerId id) const {
    for (const GenerationView& generation : view().generations) {
        for (const WorkerView& worker : generation.workers) {
            if (worker.worker == id) return worker.state;
        }
    }
    return WorkerState::exited;
}

std::size_t count(const Lines& lines, const std::string& beginning) {
    return static_cast<std::size_t>(
        std::ranges::count_if(lines, [&](const std::string& line) { return line.starts_with(beginning); }));
}

bool contains(const Lines& lines, const std::string& line) {
    return std::ranges::find(lines, line) != lines.end();
}

Lines joined(std::initializer_list<Lines> parts) {
    Lines all;
    for (const Lines& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

Policy policy_of(std::uint32_t count) {
    return {.count = count};
}

Policy rolling(std::uint32_t count, std::uint32_t max_surge) {
    return {.count = count, .max_surge = max_surge};
}

Life half_way(const Policy& policy) {
    Life life;
    life.serve(policy);
    life.reload(req(2));
    life.prepared(gen(2), policy);
    life.spawned(gen(2));
    life.feed(WorkerReady{wrk(3)});
    return life;
}

}  // namespace sup::core::testing
