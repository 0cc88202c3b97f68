#include "master/workers/workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "master/core/generation_number.h"

namespace sup {

Workers::Workers(uv_loop_t* loop, Log& log, Callbacks callbacks)
    : loop_(loop),
      log_(log),
      callbacks_(std::move(callbacks)),
      output_turns_(loop, {.full = [this] { return log_.full(); }, .piece_over = [this] { log_.flush(); }}),
      orphans_([this] { return main_processes(); }) {}

Result<const WorkerProcess*> Workers::spawn(const Order& order) {
    auto process = WorkerProcess::start(loop_,
                                        {.generation = order.generation,
                                         .inherited_output = order.inherited_output,
                                         .slot = order.slot,
                                         .notify_socket = order.notify_socket,
                                         .ack_socket = order.ack_socket,
                                         .scoreboard_row = free_scoreboard_row(order.generation->id),
                                         .descriptor_limit = order.descriptor_limit,
                                         .note = order.note,
                                         .turns = &output_turns_,
                                         .orphans = &orphans_},
                                        callbacks_for(order.worker, order.generation->id, order.slot));
    if (!process) return process.error();
    const WorkerProcess* worker = process->get();
    all_.emplace(order.worker, Entry{std::move(*process)});
    return worker;
}

WorkerProcess::Callbacks Workers::callbacks_for(core::WorkerId id, core::GenerationId generation,
                                                core::Slot slot) {
    WorkerProcess::Callbacks callbacks;
    callbacks.opened_channel = [this, id] { callbacks_.happened(core::WorkerOpenedChannel{id}); };
    callbacks.ready = [this, id] { callbacks_.happened(core::WorkerReady{id}); };
    callbacks.extended_timeout = [this, id](Duration extension) {
        callbacks_.happened(core::WorkerExtendedTimeout{id, extension});
    };
    callbacks.line = [this, id, generation, slot](OutputStream stream, std::string_view line) {
        log_.worker_line({core::number(generation), slot, pid_of(id), to_string(stream)}, line);
    };
    callbacks.trouble = [this, id](const std::string& trouble) {
        log_.warning("{}: {}", name_of(id), trouble);
    };
    callbacks.exited = [this, id](const ExitReport& report) { callbacks_.exited(id, report); };
    callbacks.ended_leftovers = [this, id](const std::vector<ProcessStat>& remaining) {
        callbacks_.ended_leftovers(id, remaining);
    };
    callbacks.is_only_its_own = [this, id](const ProcessStat& process) {
        return callbacks_.is_only_its_own(id, process);
    };
    callbacks.finished = [this, id] {
        const auto found = all_.find(id);
        if (found != all_.end() && found->second.hold == Hold::outlived) all_.erase(found);
    };
    return callbacks;
}

void Workers::forget(core::WorkerId id) {
    const auto found = all_.find(id);
    if (found == all_.end()) return;
    Entry& entry = found->second;
    if (entry.hold == Hold::in_hand && !entry.process->finished())
        entry.hold = Hold::outlived;
    else if (entry.hold != Hold::outlived)
        all_.erase(found);
}

void Workers::abandon(core::WorkerId id) {
    const auto found = all_.find(id);
    if (found == all_.end() || found->second.hold != Hold::in_hand) return;
    found->second.process->abandon();
    found->second.hold = Hold::abandoned;
}

bool Workers::is_abandoned(core::WorkerId id) const {
    const auto found = all_.find(id);
    return found != all_.end() && found->second.hold == Hold::abandoned;
}

void Workers::release(core::GenerationId generation) {
    each([&](core::WorkerId, WorkerProcess& worker) {
        if (worker.generation_id() == generation) worker.release_generation();
    });
}

void Workers::let_go() {
    std::erase_if(all_, [](const auto& entry) { return entry.second.hold != Hold::in_hand; });
}

WorkerProcess* Workers::find(core::WorkerId id) const {
    const auto found = all_.find(id);
    return found == all_.end() ? nullptr : found->second.process.get();
}

pid_t Workers::pid_of(core::WorkerId id) const {
    const WorkerProcess* worker = find(id);
    return worker == nullptr ? 0 : worker->pid();
}

std::string Workers::name_of(core::WorkerId id) const {
    const WorkerProcess* worker = find(id);
    if (worker == nullptr) return fmt::format("worker id {}", static_cast<std::uint64_t>(id));
    return fmt::format("worker {} of generation {} (pid {})", worker->slot(),
                       core::number(worker->generation_id()), worker->pid());
}

DrainTotals Workers::totals_of(core::WorkerId id) const {
    DrainTotals totals;
    const auto found = all_.find(id);
    if (found == all_.end() || found->second.hold != Hold::in_hand) return totals;
    const WorkerProcess& worker = *found->second.process;
    if (const ScoreboardRow* row = worker.scoreboard_row()) totals.add(*row);
    totals.add_unreadable(worker.unreadable());
    return totals;
}

std::optional<std::size_t> Workers::free_scoreboard_row(core::GenerationId generation) const {
    std::vector<bool> used(Scoreboard::rows_of_a_generation);
    each_in_hand([&](core::WorkerId, const WorkerProcess& worker) {
        if (worker.generation_id() == generation && worker.reserved_row())
            used[*worker.reserved_row()] = true;
    });
    const auto free = std::ranges::find(used, false);
    return free == used.end() ? std::nullopt : std::optional(static_cast<std::size_t>(free - used.begin()));
}

SpokenByAll Workers::spoken_by(std::optional<core::GenerationId> generation) const {
    SpokenByAll common;
    for (const auto& [id, entry] : all_) {
        const WorkerProcess& worker = *entry.process;
        if (entry.hold != Hold::in_hand || worker.generation_id() != generation || worker.told_to_end() ||
            !worker.has_channel())
            continue;
        const SpokenByAll spoken = worker.spoken();
        if (!spoken) return std::nullopt;
        common = common ? in_common(*common, *spoken) : *spoken;
    }
    return common;
}

void Workers::send_inbox(core::GenerationId generation) const {
    each_in_hand([&](core::WorkerId, WorkerProcess& worker) {
        if (worker.generation_id() == generation && !worker.told_to_end()) worker.send_inbox();
    });
}

std::optional<std::string> Workers::odd_main_process(core::GenerationId generation) const {
    for (const auto& [id, entry] : all_) {
        if (entry.hold != Hold::in_hand || entry.process->generation_id() != generation) continue;
        if (const auto odd = entry.process->odd_main_process()) return name_of(id) + ": " + *odd;
    }
    return std::nullopt;
}

OrphanReaper::Answer Workers::collect(pid_t pid) {
    for (const auto& [id, entry] : all_) {
        if (entry.process->pid() != pid || entry.process->reaped()) continue;
        return entry.process->collect() ? OrphanReaper::Answer::done : OrphanReaper::Answer::later;
    }
    return OrphanReaper::Answer::no_worker;
}

void Workers::deliver_readiness() const {
    each_in_hand([](core::WorkerId, WorkerProcess& worker) { worker.deliver_readiness(); });
}

void Workers::look() const {
    deliver_readiness();
    each_in_hand([](core::WorkerId, WorkerProcess& worker) {
        worker.collect();
        worker.report_exit_now();
    });
}

void Workers::kill_leftovers() const {
    for (const auto& [id, entry] : all_) {
        if (entry.hold != Hold::abandoned) entry.process->kill_leftovers();
    }
}

bool Workers::ends_leftovers_before(std::optional<core::GenerationId> generation) const {
    return std::ranges::any_of(all_, [&](const auto& one) {
        const Entry& entry = one.second;
        return entry.hold != Hold::abandoned && entry.process->ends_leftovers() &&
               (!generation || entry.process->generation_id() < *generation);
    });
}

std::vector<pid_t> Workers::main_processes() const {
    std::vector<pid_t> pids;
    each([&](core::WorkerId, const WorkerProcess& worker) {
        if (!worker.reaped()) pids.push_back(worker.pid());
    });
    return pids;
}

}  // namespace sup
