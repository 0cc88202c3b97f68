// How each of the core's actions is performed: by the room in charge.
#include <unistd.h>

#include "common/count.h"
#include "common/signal_name.h"
#include "master/core/generation_number.h"
#include "master/instance/instance.h"
#include "master/sockets/reuseport_group.h"
#include "master/status/core_events.h"
#include "master/workers/describe.h"
#include "master/workers/hint.h"

namespace sup {
namespace {

using core::number;

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

std::string hint_about(const WorkerProcess& worker) {
    const Generation& generation = worker.generation();
    std::vector<std::string> addresses;
    for (const auto& listener : generation.listeners) addresses.push_back(listener->address());
    const bool by_input = speaks(generation.config.worker, config::Protocol::standard_input);
    return hint_about_address_in_use(worker.last_lines(), addresses,
                                     by_input ? STDIN_FILENO : STDERR_FILENO + 1);
}

}  // namespace

void Instance::begin(const core::Event& event) {
    log_.debug([&] { return "event " + core::to_string(event); });
}

void Instance::perform(const core::Action& action) {
    log_.debug([&] { return "action " + core::to_string(action); });
    std::visit([this](const auto& one) { perform(one); }, action);
}

void Instance::end(const core::Event& event) {
    const auto forget = [this](core::WorkerId worker) {
        ledger_.forget(worker);
        workers_.forget(worker);
    };
    if (const auto* exited = std::get_if<core::WorkerExited>(&event)) forget(exited->worker);
    if (const auto* failed = std::get_if<core::SpawnFailed>(&event)) forget(failed->worker);
    const auto* left = std::get_if<core::WorkerAbandoned>(&event);
    if (left == nullptr) return;
    ledger_.forget(left->worker);
    workers_.abandon(left->worker);
}

// Generations

void Instance::perform(const core::Prepare& action) {
    ledger_.follow(action, ledger_now());
    auto prepared = prepare(action.generation);
    if (!prepared) {
        log_settings_.drop();
        engine_.post(core::PrepareFailed{action.generation, prepared.error().configuration_error,
                                         prepared.error().reason});
        return;
    }
    const Generation& generation = **prepared;
    const ExecutableIdentity& executable = generation.executable->identity();
    log_.info("generation {} prepared: {} ({})", number(generation.id), executable.path,
              executable.pinned ? "pinned" : "a script, run by its path and not pinned");
    const core::Policy policy = policy_of(generation.config);
    if (const Generation* serving = generations_.find(action.serving)) {
        for (const std::string& warning : describe_surplus_sockets(generation, *serving))
            log_.warning("{}", warning);
    }
    sockets_.watch(generation.listeners);
    generations_.add(std::move(*prepared));
    engine_.post(core::Prepared{action.generation, policy});
}

Result<std::shared_ptr<const Generation>, PreparationFailure> Instance::prepare(core::GenerationId id) {
    if (Status there = put_files_back(); !there) return PreparationFailure{false, there.error().message};
    sockets_.mend();
    auto config = next_config();
    if (!config) return config.error();
    if (Status opened = log_settings_.prepare(id, *config); !opened)
        return PreparationFailure{true, config_file_ + ": /log/file: " + opened.error().message};
    return prepare_generation(id, std::move(*config), generations_.held_listeners());
}

Result<config::Config, PreparationFailure> Instance::next_config() {
    if (!first_config_) return reload_config(config_file_, directory_.name());
    config::Config config = std::move(*first_config_);
    first_config_.reset();
    return config;
}

void Instance::perform(const core::Promote& action) {
    ledger_.follow(action, ledger_now());
    const Generation& generation = *generations_.at(action.generation);
    remove_retired_files(generation.listeners);
    sockets_.promote(generation.listeners);
    warn(log_settings_.take(generation.config));
    workers_.set_output_wait(generation.config.log.when_slow.wait);
    live_record_.set_drain(generation.config.drain.signal, generation.config.drain.timeout);
    if (const auto odd = workers_.odd_main_process(action.generation)) log_.warning("{}", *odd);
}

void Instance::perform(const core::GiveUp& action) {
    log_settings_.drop();
    if (const Generation* serving = generations_.find(action.serving))
        remove_retired_files(serving->listeners);
}

// Nobody will serve whoever connects from now on, so nobody should find a unix socket that is retired. What
// is in its queue is the old generation's.
void Instance::remove_retired_files(const Listeners& kept) {
    Listeners retired = generations_.held_listeners();
    std::erase_if(retired, [&](const auto& listener) {
        return std::ranges::any_of(kept, [&](const auto& one) { return one->serves(listener->socket(), 1); });
    });
    remove_files(retired);
}

void Instance::perform(const core::Release& action) {
    workers_.release(action.generation);
    tell_lost_queues(*generations_.at(action.generation));
    relays_.discard(generations_.place_of(action.generation));
    generations_.release(action.generation);
    ledger_.follow(action);
    sockets_.released();
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

// Sockets

void Instance::perform(const core::Steer& action) {
    sockets_.steer(action.serving);
}

void Instance::perform(const core::NoteSockets& action) {
    sockets_.note_nonblock(action.keep);
}

void Instance::perform(const core::RestoreSockets& action) {
    const Generation* generation = generations_.find(action.generation);
    if (generation == nullptr) return;
    sockets_.restore(generation->listeners, generations_.listeners_of(action.serving));
    if (action.nonblock) sockets_.restore_nonblock(generation->listeners);
}

// Workers

void Instance::perform(const core::Spawn& action) {
    if (Status spawned = spawn(action); !spawned) {
        log_.error("{}", spawned.error().message);
        return engine_.post(core::SpawnFailed{action.worker, spawned.error().message});
    }
    engine_.post(core::WorkerSpawned{action.worker});
}

Status Instance::spawn(const core::Spawn& action) {
    const auto& generation = generations_.at(action.generation);
    if (Status there = put_files_back(); !there) return there.error();
    tell_changes(*generation);
    const auto worker =
        workers_.spawn({.worker = action.worker,
                        .generation = generation,
                        .slot = action.slot,
                        .notify_socket = directory_.paths().notify_socket(action.worker),
                        .ack_socket = directory_.paths().ack_socket(action.worker),
                        .inherited_output = log_settings_.output_of(action.generation),
                        .descriptor_limit = descriptor_limit_,
                        .note = live_record_.reserve(number(action.generation), action.slot)});
    if (!worker) return worker.error();
    live_record_.add((*worker)->pid(), number(action.generation), action.slot, (*worker)->noted());
    return Success{};
}

// Each once, however many workers come; what is changed back and then again is told again.
void Instance::tell_changes(const Generation& generation) {
    for (const std::string& change : ledger_.untold_changes(generation.id, changes_of(generation))) {
        log_.warning("generation {}: {}; its next worker runs what is there now", number(generation.id),
                     change);
    }
}

void Instance::perform(const core::Drain& action) {
    WorkerProcess* worker = workers_.find(action.worker);
    if (worker == nullptr) return;
    log_.debug([&] {
        return fmt::format("{} is told to drain ({})", workers_.name_of(action.worker),
                           signal_name(worker->generation().config.drain.signal));
    });
    ledger_.follow(action);
    if (!action.successor) let_go(worker->generation().listeners);
    worker->drain(split_listeners(worker->generation(), worker->slot(), generations_.find(action.successor),
                                  action.successor_slots),
                  generations_.inbox_of(action.inbox), workers_.spoken_by(action.inbox));
}

void Instance::perform(const core::SetPatience& action) {
    if (WorkerProcess* worker = workers_.find(action.worker)) worker->set_patient(action.patient);
}

void Instance::perform(const core::Kill& action) {
    WorkerProcess* worker = workers_.find(action.worker);
    if (worker == nullptr) return;
    tell_kill(action, *worker);
    if (action.reason == core::Kill::Reason::stop_now)
        workers_.kill_leftovers();  // of those that have ended already
    if (worker->kill() != SignalOutcome::refused) return;
    if (const auto process = process_stat(worker->pid())) strays_.out_of_reach(*worker, *process);
    engine_.post(core::WorkerAbandoned{action.worker});
}

void Instance::tell_kill(const core::Kill& action, const WorkerProcess& worker) {
    const config::Config& config = worker.generation().config;
    const std::string who = workers_.name_of(action.worker);
    switch (action.reason) {
        case core::Kill::Reason::drain_timeout:
            return log_.warning("{} did not finish within drain.timeout ({}): SIGKILL to its process group",
                                who, format_duration(config.drain.timeout));
        case core::Kill::Reason::ready_timeout:
            return log_.warning(
                "{} was not ready within worker.ready_timeout ({}): SIGKILL to its process group", who,
                format_duration(config.worker.ready_timeout));
        case core::Kill::Reason::aborted:
            return log_.info("{} is no longer needed: SIGKILL to its process group", who);
        case core::Kill::Reason::stop_now:
            return log_.warning("{}: told to stop now: SIGKILL to its process group", who);
    }
}

// Inboxes

void Instance::perform(const core::OfferInbox& action) {
    WorkerProcess* worker = workers_.find(action.worker);
    if (worker == nullptr) return;
    ListenerSplit listeners = split_listeners(worker->generation(), worker->slot(),
                                              generations_.find(action.successor), action.successor_slots);
    // The queues of its retired listeners were its first drain packet's matter.
    listeners.retired.clear();
    worker->redirect(std::move(listeners), generations_.inbox_of(action.inbox),
                     workers_.spoken_by(action.inbox));
}

// What is on its way into it goes on to elsewhere first.
void Instance::perform(const core::CloseInbox& action) {
    if (action.successor) {
        const Relays::Place next = generations_.place_of(*action.successor);
        relays_.redirect(action.generation, &next);
    } else {
        relays_.redirect(action.generation, nullptr);
    }
    generations_.at(action.generation)->inbox->close_to_senders();
}

// To all, not only to the one whose readiness led here: who opened its channel in the same turn was still
// given the closed one.
void Instance::perform(const core::ReopenInbox& action) {
    const auto closed = generations_.at(action.generation)->inbox->renew();
    if (!closed) {
        log_.error("generation {} gets no new inbox: {}", number(action.generation), closed.error().message);
        return;
    }
    relays_.move({action.generation, *closed}, generations_.place_of(action.generation));
    workers_.send_inbox(action.generation);
}

void Instance::perform(const core::ForwardInbox& action) {
    relays_.move(generations_.place_of(action.from), generations_.place_of(action.to));
}

// Outcomes

void Instance::perform(const core::Reply& action) {
    if (const auto* promoted = std::get_if<core::Reply::Promoted>(&action.outcome)) {
        ledger_.promoted(action.request, *promoted, live_totals());
    } else if (const auto* failed = std::get_if<core::Reply::Failed>(&action.outcome)) {
        const ReloadOutcome outcome =
            ledger_.failed(action.request, *failed, failure_words(*failed), ledger_now(), live_totals());
        log_.error("{} failed: {}", ledger_.is_start(action.request) ? "the start" : "a reload",
                   outcome.reason);
    } else {
        ledger_.stopped(action.request);
    }
    answer_due();
}

Ledger::Words Instance::failure_words(const core::Reply::Failed& told) const {
    Ledger::Words words;
    const auto id = core::worker_of(told.failure);
    const WorkerProcess* worker = id ? workers_.find(*id) : nullptr;
    std::optional<FailedWorker> failed;
    if (worker != nullptr) {
        failed = FailedWorker{worker->generation_id(), worker->pid(),
                              worker->generation().config.worker.ready_timeout,
                              worker->generation().config.worker.ready, worker->left_behind()};
        words.worker_output = worker->last_lines();
    }
    words.reason = describe(told.failure, failed) + restoring_words(told);
    if (worker == nullptr) return words;
    if (const std::string hint = hint_about(*worker); !hint.empty()) words.reason += "; " + hint;
    return words;
}

// What a rolling reload that failed midway had replaced does not come back in one moment.
std::string Instance::restoring_words(const core::Reply::Failed& told) const {
    const auto serving = ledger_.last_promoted();
    if (told.still_serving == 0 || !serving) return {};
    return fmt::format("; generation {} takes back the {} that had been replaced", number(*serving),
                       counted(told.still_serving, "slot"));
}

// What workers have left still has its time.
void Instance::perform(const core::Exit& action) {
    ledger_.follow(action);
}

// What a person may want to see

void Instance::perform(const core::GenerationChanged& action) {
    // The shortest soak is not worth a word.
    if (action.soak == shortest_soak) return;
    log_.info("generation {} is {}", number(action.generation), core::to_string(action.state));
    desk_.announce(status::event_of(action));
}

void Instance::perform(const core::WorkerChanged& action) {
    WorkerProcess* worker = workers_.find(action.worker);
    if (action.state == core::WorkerState::ready && worker != nullptr) {
        worker->was_ready();
        desk_.announce(status::worker_ready_event(action, worker->pid()));
        if (const auto reason = worker->out_of_reach()) {
            log_.warning("{}: {}", workers_.name_of(action.worker), *reason);
            engine_.post(core::WorkerOutOfReach{action.worker, *reason});
        }
    }
    desk_.announce(status::event_of(action, workers_.pid_of(action.worker)));
}

void Instance::perform(const core::RestartScheduled& action) {
    log_.warning(
        "worker {} of generation {} will be restarted {}", action.slot, number(action.generation),
        action.delay.count() == 0
            ? std::string("at once")
            : fmt::format("in {} (it ended early{})", describe_duration(action.delay),
                          action.short_lives == 1 ? std::string()
                                                  : fmt::format(" {} times in a row", action.short_lives)));
    desk_.announce(status::event_of(action));
}

void Instance::perform(const core::ReloadWaits& action) {
    log_.info("a reload is waiting: {} {} draining, and reload.max_draining is {}",
              counted(action.draining, "generation"), action.draining == 1 ? "is" : "are",
              action.max_draining);
    desk_.announce(status::event_of(action));
}

void Instance::perform(const core::CountChanged& action) {
    log_.info("generation {} now has {}", number(action.generation), counted(action.count, "worker"));
    desk_.announce(status::event_of(action));
}

}  // namespace sup
