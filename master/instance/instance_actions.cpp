// How the shell performs each of the core's actions.
#include <unistd.h>

#include <algorithm>

#include "common/count.h"
#include "common/signal_name.h"
#include "master/core/generation_number.h"
#include "master/instance/instance.h"
#include "master/instance/instance_picture.h"
#include "master/log/log_place.h"
#include "master/releases/preparation.h"
#include "master/sockets/reuseport_group.h"
#include "master/status/core_events.h"
#include "master/workers/describe.h"
#include "master/workers/hint.h"

namespace sup {
namespace {

// So that nobody finds these sockets any more.
void remove_files(const Listeners& listeners) {
    for (const auto& listener : listeners) {
        if (const SocketFile* file = listener->socket()->file()) file->remove();
    }
}

// The workers empty their queues and close their copies.
void let_go(const Listeners& listeners) {
    remove_files(listeners);
    for (const auto& listener : listeners) {
        for (const auto& socket : listener->sockets()) socket->let_go();
    }
}

}  // namespace

Result<config::Config, PreparationFailure> Instance::next_config() {
    if (!first_config_) return reload_config(config_file_, directory_.name());
    config::Config config = std::move(*first_config_);
    first_config_.reset();
    return config;
}

Result<std::shared_ptr<const Generation>, PreparationFailure> Instance::prepare(core::GenerationId id) {
    if (Status there = put_files_back(); !there) return PreparationFailure{false, there.error().message};
    mend_listeners();
    auto config = next_config();
    if (!config) return config.error();
    if (Status opened = open_next_log(id, *config); !opened)
        return PreparationFailure{true, config_file_ + ": /log/file: " + opened.error().message};
    return prepare_generation(id, std::move(*config), held_listeners());
}

Status Instance::open_next_log(core::GenerationId generation, const config::Config& config) {
    next_log_.reset();
    const LogPlace place = log_place(config, directory_.paths(), background_);
    if (place.unbounded) {
        log_.warning("log.file is not set, and log.workers is \"inherit\": {} grows without limit",
                     place.file);
    }
    if (place.file == log_.file()) return Success{};
    auto next = LogDestination::prepare(place.file, place.bounds);
    if (!next) return next.error();
    next_log_ = NextLog{generation, std::move(*next)};
    return Success{};
}

// Of the generation that is active now.
void Instance::follow_log_settings(const config::Config& config) {
    if (next_log_) {
        warn(log_.move_to(std::move(next_log_->destination), config.log.level, config.log.format));
        next_log_.reset();
    } else {
        log_.configure(config.log.level, config.log.format);
        log_.set_bounds(log_place(config, directory_.paths(), background_).bounds);
    }
    log_.set_queue_bytes(config.log.when_slow.queue_bytes);
    output_turns_.set_wait(config.log.when_slow.wait);
}

void Instance::perform(const core::Steer& action) {
    serving_ = action.serving;
    steer_listeners();
}

void Instance::perform(const core::Prepare& action) {
    ledger_.follow(action, ledger_now());
    auto prepared = prepare(action.generation);
    if (!prepared) {
        next_log_.reset();
        post(core::PrepareFailed{action.generation, prepared.error().configuration_error,
                                 prepared.error().reason});
        return;
    }
    const Generation& generation = **prepared;
    const ExecutableIdentity& executable = generation.executable->identity();
    log_.info("generation {} prepared: {} ({})", number(generation.id), executable.path,
              executable.pinned ? "pinned" : "a script, run by its path and not pinned");
    const core::Policy policy = policy_of(generation.config);
    if (const Generation* serving = find_generation(action.serving)) {
        for (const std::string& warning : describe_surplus_sockets(generation, *serving))
            log_.warning("{}", warning);
    }
    generations_.emplace(action.generation, std::move(*prepared));
    if (listener_watch_) listener_watch_->follow(generation.listeners);
    post(core::Prepared{action.generation, policy});
}

void Instance::perform(const core::Spawn& action) {
    const auto& generation = generations_.at(action.generation);
    if (Status there = put_files_back(); !there) {
        log_.error("{}", there.error().message);
        post(core::SpawnFailed{action.worker, there.error().message});
        return;
    }
    tell_changes(*generation);
    // Those of the generation that brings the next log already write there.
    const bool next = background_ && next_log_ && next_log_->generation == action.generation;
    auto worker = WorkerProcess::start(
        loop_.get(),
        {.generation = generation,
         .inherited_output = next ? std::optional(next_log_->destination.open.fd.get()) : std::nullopt,
         .slot = action.slot,
         .notify_socket = directory_.paths().notify_socket(action.worker),
         .ack_socket = directory_.paths().ack_socket(action.worker),
         .scoreboard_row = free_scoreboard_row(action.generation),
         .descriptor_limit = descriptor_limit_,
         .note = live_record_.reserve(number(action.generation), action.slot),
         .turns = &output_turns_,
         .orphans = &orphans_},
        callbacks_for(action.worker, generation, action.slot));
    if (!worker) {
        log_.error("{}", worker.error().message);
        post(core::SpawnFailed{action.worker, worker.error().message});
        return;
    }
    live_record_.add((*worker)->pid(), number(action.generation), action.slot, (*worker)->noted());
    workers_.emplace(action.worker, std::move(*worker));
    post(core::WorkerSpawned{action.worker});
}

// Each once, however many workers come; what is changed back and then again is told again.
void Instance::tell_changes(const Generation& generation) {
    std::vector<std::string>& told = told_changes_[generation.id];
    std::vector<std::string> changes = changes_of(generation);
    for (const std::string& change : changes) {
        if (std::ranges::find(told, change) != told.end()) continue;
        log_.warning("generation {}: {}; its next worker runs what is there now", number(generation.id),
                     change);
    }
    told = std::move(changes);
}

void Instance::perform(const core::Drain& action) {
    WorkerProcess* worker = find_worker(action.worker);
    if (worker == nullptr) return;
    const Generation* successor = find_generation(action.successor);
    log_.debug([&] {
        return fmt::format("{} is told to drain ({})", name_of(action.worker),
                           signal_name(worker->generation().config.drain.signal));
    });
    ledger_.follow(action);
    const Generation* inbox = find_generation(action.inbox);
    if (!action.successor) let_go(worker->generation().listeners);
    worker->drain(split_listeners(worker->generation(), worker->slot(), successor, action.successor_slots),
                  inbox == nullptr ? nullptr : inbox->inbox, spoken_by(action.inbox));
}

void Instance::perform(const core::OfferInbox& action) {
    WorkerProcess* worker = find_worker(action.worker);
    if (worker == nullptr) return;
    const Generation* inbox = find_generation(action.inbox);
    ListenerSplit listeners = split_listeners(worker->generation(), worker->slot(),
                                              find_generation(action.successor), action.successor_slots);
    // The queues of its retired listeners were its first drain packet's matter.
    listeners.retired.clear();
    worker->redirect(std::move(listeners), inbox == nullptr ? nullptr : inbox->inbox,
                     spoken_by(action.inbox));
}

void Instance::perform(const core::Kill& action) {
    WorkerProcess* worker = find_worker(action.worker);
    if (worker == nullptr) return;
    const config::Config& config = worker->generation().config;
    const std::string who = name_of(action.worker);
    switch (action.reason) {
        case core::Kill::Reason::drain_timeout:
            log_.warning("{} did not finish within drain.timeout ({}): SIGKILL to its process group", who,
                         format_duration(config.drain.timeout));
            break;
        case core::Kill::Reason::ready_timeout:
            log_.warning("{} was not ready within worker.ready_timeout ({}): SIGKILL to its process group",
                         who, format_duration(config.worker.ready_timeout));
            break;
        case core::Kill::Reason::aborted:
            log_.info("{} is no longer needed: SIGKILL to its process group", who);
            break;
        case core::Kill::Reason::stop_now:
            log_.warning("{}: told to stop now: SIGKILL to its process group", who);
            kill_leftovers();  // of those that have ended already
            break;
    }
    if (worker->kill() != SignalOutcome::refused) return;
    if (const auto process = process_stat(worker->pid())) note_left_behind(*worker, *process);
    post(core::WorkerAbandoned{action.worker});
}

void Instance::perform(const core::Release& action) {
    for (const auto* map : {&workers_, &survived_, &abandoned_}) {
        for (const auto& [id, worker] : *map) {
            if (worker->generation_id() == action.generation) worker->release_generation();
        }
    }
    tell_lost_queues(*generations_.at(action.generation));
    discard_inbox(action.generation);
    generations_.erase(action.generation);
    told_changes_.erase(action.generation);
    ledger_.follow(action);
    steer_listeners();
    queues_.look_later();
}

void Instance::perform(const core::RestoreSockets& action) {
    const Generation* generation = find_generation(action.generation);
    if (generation == nullptr) return;
    mend_listeners();
    const Generation* serving = find_generation(action.serving);
    const Listeners active = serving == nullptr ? Listeners{} : serving->listeners;
    for (const auto& listener : generation->listeners) warn(listener->restore(active));
    if (action.nonblock) restore_nonblock(generation->listeners);
}

void Instance::perform(const core::NoteSockets& action) {
    std::map<const ListeningSocket*, bool> before;
    for (const auto& listener : held_listeners()) {
        for (const auto& socket : listener->sockets()) {
            const auto known = action.keep ? nonblock_before_.find(socket.get()) : nonblock_before_.end();
            before.emplace(socket.get(),
                           known != nonblock_before_.end() ? known->second : socket->nonblock_now());
        }
    }
    nonblock_before_ = std::move(before);
}

// What never came to serve may have left its own O_NONBLOCK on the shared sockets, which the workers that
// still serve may not expect.
void Instance::restore_nonblock(const Listeners& listeners) {
    for (const auto& listener : listeners) {
        for (const auto& socket : listener->sockets()) {
            const auto before = nonblock_before_.find(socket.get());
            if (before != nonblock_before_.end()) warn(socket->set_nonblock(before->second));
        }
    }
}

void Instance::steer_listeners() {
    for (const Error& problem : steering_.follow(serving_, listeners_by_generation()))
        log_.warning("{}", problem.message);
}

// Of sockets that close with their last generation: the promise's exceptions are told.
void Instance::tell_lost_queues(const Generation& generation) {
    for (const auto& listener : generation.listeners) {
        if (listener->settings().reuseport && migrates_queues()) continue;
        std::size_t queued = 0;
        for (const auto& socket : listener->sockets()) {
            if (socket.use_count() == 1) queued += socket->queued();
        }
        if (queued == 0) continue;
        log_.warning("listener {}: {} that no worker of generation {} has accepted {} reset",
                     listener->name(), counted(queued, "connection"), number(generation.id),
                     queued == 1 ? "is" : "are");
    }
}

void Instance::warn(const Status& status) {
    if (!status) log_.warning("{}", status.error().message);
}

Ledger::Words Instance::failure_words(const core::Reply& reply) const {
    Ledger::Words words;
    if (!reply.failure) return words;
    const core::Failure& failure = *reply.failure;
    const WorkerProcess* worker = failure.worker ? find_worker(*failure.worker) : nullptr;
    std::optional<FailedWorker> failed;
    if (worker != nullptr) {
        failed = FailedWorker{worker->generation_id(), worker->pid(),
                              worker->generation().config.worker.ready_timeout,
                              worker->generation().config.worker.ready, worker->left_behind()};
        words.worker_output = worker->last_lines();
    }
    words.reason = describe(failure, failed) + restoring_words(reply);
    if (worker == nullptr) return words;
    if (const std::string hint = hint_about(*worker); !hint.empty()) words.reason += "; " + hint;
    return words;
}

std::string Instance::hint_about(const WorkerProcess& worker) {
    const Generation& generation = worker.generation();
    std::vector<std::string> addresses;
    for (const auto& listener : generation.listeners) addresses.push_back(listener->address());
    const bool by_input = speaks(generation.config.worker, config::Protocol::standard_input);
    return hint_about_address_in_use(worker.last_lines(), addresses,
                                     by_input ? STDIN_FILENO : STDERR_FILENO + 1);
}

// What a rolling reload that failed midway had replaced does not come back in one moment.
std::string Instance::restoring_words(const core::Reply& reply) const {
    const auto serving = ledger_.last_promoted();
    if (reply.still_serving == 0 || !serving) return {};
    return fmt::format("; generation {} takes back the {} that had been replaced", number(*serving),
                       counted(reply.still_serving, "slot"));
}

void Instance::perform(const core::Reply& action) {
    const auto live = [this](core::WorkerId id) { return live_totals(id); };
    switch (action.outcome) {
        case core::Reply::Outcome::promoted: ledger_.promoted(action, live); break;
        case core::Reply::Outcome::failed: {
            const ReloadOutcome outcome = ledger_.failed(action, failure_words(action), ledger_now(), live);
            log_.error("{} failed: {}", ledger_.is_start(action.request) ? "the start" : "a reload",
                       outcome.reason);
            break;
        }
        case core::Reply::Outcome::stopped: ledger_.stopped(action); break;
    }
    answer_due();
}

void Instance::perform(const core::Promote& action) {
    ledger_.follow(action, ledger_now());
    const Generation& generation = *generations_.at(action.generation);
    remove_retired_files(generation.listeners);
    for (const auto& listener : generation.listeners) warn(listener->apply());
    hide_replaced_sockets(generation.listeners);
    follow_log_settings(generation.config);
    live_record_.set_drain(generation.config.drain.signal, generation.config.drain.timeout);
    tell_odd_main_process(action.generation);
}

void Instance::perform(const core::GiveUp& action) {
    next_log_.reset();
    if (const Generation* serving = find_generation(action.serving)) remove_retired_files(serving->listeners);
}

void Instance::perform(const core::SetPatience& action) {
    if (WorkerProcess* worker = find_worker(action.worker)) worker->set_patient(action.patient);
}

// Nobody will serve whoever connects from now on, so nobody should find a unix socket that is retired. What
// is in its queue is the old generation's.
void Instance::remove_retired_files(const Listeners& kept) {
    Listeners retired = held_listeners();
    std::erase_if(retired, [&](const auto& listener) {
        return std::ranges::any_of(kept, [&](const auto& one) { return one->serves(listener->socket(), 1); });
    });
    remove_files(retired);
}

void Instance::perform(const core::GenerationChanged& action) {
    // The shortest soak is not worth a word.
    if (action.soak == shortest_soak) return;
    log_.info("generation {} is {}", number(action.generation), core::to_string(action.state));
    announce(status::event_of(action));
}

// Once: its workers are all started alike.
void Instance::tell_odd_main_process(core::GenerationId generation) {
    for (const auto& [id, worker] : workers_) {
        if (worker->generation_id() != generation) continue;
        const auto odd = worker->odd_main_process();
        if (odd) return log_.warning("{}: {}", name_of(id), *odd);
    }
}

void Instance::perform(const core::WorkerChanged& action) {
    WorkerProcess* worker = find_worker(action.worker);
    if (action.state == core::WorkerState::ready && worker != nullptr) {
        worker->was_ready();
        announce(status::worker_ready_event(action, worker->pid()));
        if (const auto reason = worker->out_of_reach()) {
            log_.warning("{}: {}", name_of(action.worker), *reason);
            post(core::WorkerOutOfReach{action.worker, *reason});
        }
    }
    announce(status::event_of(action, pid_of(action.worker)));
}

void Instance::perform(const core::RestartScheduled& action) {
    log_.warning(
        "worker {} of generation {} will be restarted {}", action.slot, number(action.generation),
        action.delay.count() == 0
            ? std::string("at once")
            : fmt::format("in {} (it ended early{})", describe_duration(action.delay),
                          action.short_lives == 1 ? std::string()
                                                  : fmt::format(" {} times in a row", action.short_lives)));
    announce(status::event_of(action));
}

void Instance::perform(const core::ReloadWaits& action) {
    log_.info("a reload is waiting: {} {} draining, and reload.max_draining is {}",
              counted(action.draining, "generation"), action.draining == 1 ? "is" : "are",
              action.max_draining);
    announce(status::event_of(action));
}

void Instance::perform(const core::CountChanged& action) {
    log_.info("generation {} now has {}", number(action.generation), counted(action.count, "worker"));
    announce(status::event_of(action));
}

// What workers have left still has its time.
void Instance::perform(const core::Exit& action) {
    ledger_.follow(action);
}

void Instance::kill_leftovers() {
    for (const auto* map : {&workers_, &survived_}) {
        for (const auto& [id, worker] : *map) worker->kill_leftovers();
    }
}

// Of any generation, or of those that are older than this one.
bool Instance::ends_leftovers_before(std::optional<core::GenerationId> generation) const {
    const auto is_busy = [&](const auto& entry) {
        return entry.second->ends_leftovers() && (!generation || entry.second->generation_id() < *generation);
    };
    return std::ranges::any_of(workers_, is_busy) || std::ranges::any_of(survived_, is_busy);
}

void Instance::answer_due() {
    const auto leftovers = [this](auto generation) { return ends_leftovers_before(generation); };
    for (const Ledger::Answer& answer : ledger_.take_due(leftovers))
        requests_.answer(answer.request, answer.outcome ? picture_of(*answer.outcome) : status::Reload{});
}

void Instance::end_if_nothing_is_left() {
    if (!ledger_.exit_code() || exit_code_ || ends_leftovers_before(std::nullopt)) return;
    exit_code_ = ledger_.exit_code();
    listener_watch_.reset();
    queues_.stop();
    mended_.stop();
    relays_.clear();
    survived_.clear();
    abandoned_.clear();
    log_.set_listener({});
    log_.unfollow();
    control_->close();
    on_exit_();
}

}  // namespace sup
