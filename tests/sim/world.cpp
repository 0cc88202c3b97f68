#include "tests/sim/world.h"

#include <array>
#include <cstdlib>
#include <variant>

namespace sup::sim {
namespace {

using namespace core;

constexpr std::size_t remembered = 8;
constexpr std::uint64_t never_given_out = 1'000'000'000;

void remember(std::deque<std::uint64_t>& gone, std::uint64_t id) {
    gone.push_back(id);
    if (gone.size() > remembered) gone.pop_front();
}

}  // namespace

void World::schedule(Duration delay, Kind kind, std::uint64_t id, ExitStatus status) {
    const std::uint64_t order = (random_.next() << 32U) | (++sequence_ & 0xffffffffU);
    pending_.push({now_ + delay, order, kind, id, status});
}

World::Process* World::find(std::uint64_t worker) {
    const auto found = std::find_if(processes_.begin(), processes_.end(), [&](const Process& process) {
        return number_of(process.worker) == worker;
    });
    return found == processes_.end() ? nullptr : &*found;
}

bool World::bad(GenerationId generation) const {
    return std::find(bad_.begin(), bad_.end(), generation) != bad_.end();
}

bool World::moot(const Pending& pending) {
    switch (pending.kind) {
        case Kind::deadline: return pending.id != waits_;
        case Kind::crash: return calm_ || find(pending.id) == nullptr;
        case Kind::ready:
        case Kind::open_channel:
        case Kind::extend:
        case Kind::out_of_reach:
        case Kind::abandon:
        case Kind::accept:
        case Kind::time_up:
        case Kind::hand_over:
        case Kind::exit: return find(pending.id) == nullptr;
        case Kind::prepare_answer:
        case Kind::spawn_success:
        case Kind::spawn_failure:
        case Kind::move_on:
        case Kind::take:
        case Kind::stale_deadline: return false;
    }
    std::abort();
}

std::optional<TimePoint> World::next_at() {
    while (!pending_.empty() && moot(pending_.top())) pending_.pop();
    if (pending_.empty()) return std::nullopt;
    return pending_.top().at;
}

std::optional<Event> World::take() {
    if (!next_at()) std::abort();
    const Pending pending = pending_.top();
    pending_.pop();
    advance(pending.at);
    std::optional<Event> event = event_of(pending);
    wake_takers();
    return event;
}

std::optional<Event> World::event_of(const Pending& pending) {
    const WorkerId worker{pending.id};
    switch (pending.kind) {
        case Kind::prepare_answer:
            return prepare_answer(GenerationId{static_cast<std::uint32_t>(pending.id)});
        case Kind::spawn_success: live(*find(pending.id)); return WorkerSpawned{worker};
        case Kind::spawn_failure: end(worker); return SpawnFailed{worker, "no such file"};
        case Kind::ready: return WorkerReady{worker};
        case Kind::open_channel: open_channel(*find(pending.id)); return WorkerOpenedChannel{worker};
        case Kind::extend: return WorkerExtendedTimeout{worker, random_delay(random_, 200)};
        case Kind::out_of_reach: return WorkerOutOfReach{worker, "setuid"};
        case Kind::abandon: exit(worker, pending.kind, pending.status); return WorkerAbandoned{worker};
        case Kind::crash:
        case Kind::exit:
            if (exit(worker, pending.kind, pending.status)) return WorkerExited{worker, pending.status};
            schedule(Duration{5} + random_delay(random_, 20), pending.kind, pending.id, pending.status);
            return std::nullopt;
        case Kind::deadline: awaited_.reset(); return DeadlineReached{};
        case Kind::stale_deadline: return DeadlineReached{};
        case Kind::accept: accept(worker); return std::nullopt;
        case Kind::time_up: time_up(worker); return std::nullopt;
        case Kind::move_on: move_on(); return std::nullopt;
        case Kind::hand_over: hand_over(worker); return std::nullopt;
        case Kind::take: take_from(GenerationId{static_cast<std::uint32_t>(pending.id)}); return std::nullopt;
    }
    std::abort();
}

Event World::prepare_answer(GenerationId generation) {
    preparing_.reset();
    if (fault(profile_.prepare_fails)) return PrepareFailed{generation, random_.chance(50), "port in use"};
    if (fault(profile_.bad_release)) bad_.push_back(generation);
    const Policy policy = random_policy(random_);
    choose_dialect(generation, policy.drain_timeout);
    connections_.prepared(generation, random_.chance(50) ? 1 + random_.below(3) : 1000);
    return Prepared{generation, policy};
}

void World::perform(const Action& action) {
    if (const auto* prepare = std::get_if<Prepare>(&action)) {
        preparing_ = prepare->generation;
        const Duration delay = fault(profile_.slow_prepare) ? random_delay(random_, 500) : Duration{0};
        schedule(delay, Kind::prepare_answer, number_of(prepare->generation));
    } else if (const auto* spawn = std::get_if<Spawn>(&action)) {
        begin_process(*spawn);
    } else if (const auto* told = std::get_if<Drain>(&action)) {
        perform_handoff(action);
        if (Process* process = find(number_of(told->worker))) drain(*process);
    } else if (const auto* killed = std::get_if<Kill>(&action)) {
        if (Process* process = find(number_of(killed->worker))) kill(*process);
    } else {
        perform_handoff(action);
    }
}

void World::await(std::optional<TimePoint> deadline) {
    if (deadline == awaited_) return;
    // The earlier one had come already, and its event stood in the queue.
    if (awaited_ && fault(10)) schedule(Duration{0}, Kind::stale_deadline, 0);
    awaited_ = deadline;
    ++waits_;
    if (!deadline) return;
    const Duration late = fault(profile_.late_deadline) ? random_delay(random_, 50) : Duration{0};
    schedule(std::max(*deadline - now_, Duration{0}) + late, Kind::deadline, waits_);
}

void World::begin_process(const Spawn& spawn) {
    processes_.push_back({.worker = spawn.worker, .generation = spawn.generation, .slot = spawn.slot});
    const bool fails = fault(profile_.spawn_fails) || (bad(spawn.generation) && fault(20));
    const Duration delay = fault(30) ? random_delay(random_, 20) : Duration{0};
    schedule(delay, fails ? Kind::spawn_failure : Kind::spawn_success, number_of(spawn.worker));
}

// The process runs: plans what will become of it, and does what it was told while it was being spawned.
void World::live(Process& process) {
    process.spawned = true;
    const std::uint64_t id = number_of(process.worker);
    const bool of_bad_release = bad(process.generation);
    const bool never_ready = fault(profile_.never_ready) || (of_bad_release && fault(20));
    const bool slow_ready = fault(profile_.slow_ready);
    const Duration delay = slow_ready ? random_delay(random_, 500) : random_delay(random_, calm_ ? 2 : 10);
    if (speaks(process)) plan_channel(process, delay);
    if (!never_ready) {
        schedule(delay, Kind::ready, id);
        if (fault(5)) schedule(delay + random_delay(random_, 20), Kind::ready, id);
    }
    process.out_of_reach = fault(3);
    if (process.out_of_reach) schedule(delay + random_delay(random_, 50), Kind::out_of_reach, id);
    if ((slow_ready || never_ready) && fault(50)) schedule(random_delay(random_, 100), Kind::extend, id);
    const bool crashes_early = of_bad_release && fault(40);
    if (crashes_early || fault(profile_.crashes)) {
        const Duration life = random_delay(random_, crashes_early ? 20 : profile_.crash_within);
        schedule(life, Kind::crash, id, crash_status());
    }
    if (process.killed) kill(process);
    if (process.drained) drain(process);
}

void World::drain(Process& process) {
    process.drained = true;
    if (!process.spawned) return;
    if (process.out_of_reach || fault(profile_.ignores_drain)) return connections_.hangs(process.worker);
    const Dialect* own = dialect(process.generation);
    if (own != nullptr && random_.chance(50))
        schedule(own->time_to_drain, Kind::time_up, number_of(process.worker));
    const Duration delay =
        fault(profile_.slow_drain) ? random_delay(random_, 1000) : random_delay(random_, 5);
    const ExitStatus status = fault(20) ? crash_status() : ExitStatus{};
    schedule(delay, Kind::exit, number_of(process.worker), status);
}

void World::kill(Process& process) {
    process.killed = true;
    connections_.hangs(process.worker);
    if (!process.spawned) return;
    if (process.out_of_reach)
        return schedule(Duration{0}, Kind::abandon, number_of(process.worker), {true, 9});
    schedule(random_delay(random_, calm_ ? 1 : 20), Kind::exit, number_of(process.worker), {true, 9});
}

void World::end(WorkerId worker) {
    std::erase_if(processes_, [&](const Process& process) { return process.worker == worker; });
    remember(gone_workers_, number_of(worker));
}

ExitStatus World::crash_status() {
    if (random_.chance(50)) return {true, random_.pick(std::array{6, 9, 11, 15})};
    return {false, random_.pick(std::array{0, 1, 2, 127})};
}

void World::kill_somebody() {
    if (processes_.empty()) return;
    const Process& victim = processes_[random_.below(static_cast<std::uint32_t>(processes_.size()))];
    if (victim.spawned) schedule(Duration{0}, Kind::exit, number_of(victim.worker), {true, 9});
}

std::uint64_t World::gone_id(const std::deque<std::uint64_t>& gone) {
    if (gone.empty() || random_.chance(10)) return never_given_out + random_.below(9);
    return gone[random_.below(static_cast<std::uint32_t>(gone.size()))];
}

Event World::stale_event() {
    if (random_.chance(25)) return DeadlineReached{};
    if (random_.chance(15)) {
        // Any number but that of the preparation that is under way.
        GenerationId generation{random_.below(6)};
        if (generation == preparing_) generation = GenerationId{1000};
        if (random_.chance(50)) return PrepareFailed{generation, false, "late"};
        return Prepared{generation, Policy{}};
    }
    return stale_worker_event();
}

Event World::stale_worker_event() {
    if (!processes_.empty() && random_.chance(50)) {
        const Process& process = processes_[random_.below(static_cast<std::uint32_t>(processes_.size()))];
        if (process.spawned) {
            if (!process.killed && random_.chance(20)) return WorkerAbandoned{process.worker};
            switch (random_.below(process.channel ? 4 : 3)) {
                case 0: return WorkerReady{process.worker};
                case 1: return WorkerSpawned{process.worker};
                case 2: return WorkerExtendedTimeout{process.worker, random_delay(random_, 200)};
                default: return WorkerOpenedChannel{process.worker};
            }
        }
    }
    const WorkerId gone{gone_id(gone_workers_)};
    switch (random_.below(8)) {
        case 6: return WorkerOutOfReach{gone, "late"};
        case 7: return WorkerAbandoned{gone};
        case 0: return WorkerSpawned{gone};
        case 1: return SpawnFailed{gone, "late"};
        case 2: return WorkerReady{gone};
        case 3: return WorkerOpenedChannel{gone};
        case 4: return WorkerExtendedTimeout{gone, random_delay(random_, 200)};
        default: return WorkerExited{gone, crash_status()};
    }
}

}  // namespace sup::sim
