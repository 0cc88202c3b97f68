#include "tests/shell/judge.h"

#include <sys/socket.h>

#include <algorithm>
#include <filesystem>

#include "common/wire.h"
#include "master/runtime/live_record.h"

namespace sup::shell {
namespace {

std::string name(core::WorkerId worker) {
    return "worker " + std::to_string(static_cast<std::uint64_t>(worker));
}

std::size_t master_descriptors() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        count += std::stoi(entry.path().filename()) < floor_of_the_world ? 1 : 0;
    return count;
}

bool is_listening(int fd) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1;
}

}  // namespace

void Judge::step(const core::Event& event, core::TimePoint now, const std::vector<core::Action>& actions,
                 const core::Supervisor& supervisor) {
    settle();
    const std::string time = std::to_string(now.time_since_epoch().count()) + " ms  ";
    kernel_.trace(time + core::to_string(event));
    for (const core::Action& action : actions) kernel_.trace("            -> " + core::to_string(action));
    heard(event);
    try {
        checker_.after(event, now, actions, supervisor.next_deadline());
        if (kernel_.random().chance(10)) checker_.compare(supervisor.view());
    } catch (const sim::Violation& violation) {
        fail(std::string(sim::to_string(violation.property)) + "\n  " + violation.detail);
    }
    for (const core::Action& action : actions) {
        if (const auto* promote = std::get_if<core::Promote>(&action))
            promoted_.emplace(static_cast<std::uint32_t>(promote->generation), promote->replaced);
    }
    for (const core::Action& action : actions) {
        if (const auto* kill = std::get_if<core::Kill>(&action)) check_patience(*kill);
    }
    actions_ = actions;
}

void Judge::heard(const core::Event& event) {
    if (const auto* spawned = std::get_if<core::WorkerSpawned>(&event)) {
        if (!pids_.contains(spawned->worker))
            fail(name(spawned->worker) + " is said to be there, and is not");
    } else if (const auto* not_spawned = std::get_if<core::SpawnFailed>(&event)) {
        if (unborn_.erase(not_spawned->worker) == 0) {
            const Process* process = process_of(not_spawned->worker);
            if (process != nullptr && process->running())
                fail(name(not_spawned->worker) + " is said not to be there, and is");
        }
    } else if (const auto* opened = std::get_if<core::WorkerOpenedChannel>(&event)) {
        channels_.insert(opened->worker);
    } else if (const auto* exited = std::get_if<core::WorkerExited>(&event)) {
        const Process* process = process_of(exited->worker);
        if (process == nullptr || process->state != Process::State::reaped)
            fail(name(exited->worker) + " is said to have ended, and was not waited for");
        if (core::ExitStatus{process->signalled, process->code} != exited->status)
            fail(name(exited->worker) + " is said to have ended in a way that it did not");
    }
}

void Judge::saw(const Effect& effect) {
    effects_.push_back(effect);
}

bool Judge::take(const Effect& effect) {
    const auto found = std::ranges::find(effects_, effect);
    if (found == effects_.end()) return false;
    effects_.erase(effects_.begin(), found + 1);
    return true;
}

std::optional<Effect> Judge::take_packet(pid_t pid) {
    const auto found = std::ranges::find_if(effects_, [&](const Effect& effect) {
        return effect.kind == Effect::Kind::drain_packet && effect.pid == pid;
    });
    if (found == effects_.end()) return std::nullopt;
    const Effect packet = *found;
    effects_.erase(effects_.begin(), found + 1);
    return packet;
}

Process* Judge::process_of(core::WorkerId worker) {
    const auto pid = pids_.find(worker);
    return pid == pids_.end() ? nullptr : kernel_.find(pid->second);
}

// What the step's actions must have done, in their order; what is found is taken away with all before it.
void Judge::settle() {
    for (const core::Action& action : std::exchange(actions_, {}))
        std::visit([this](const auto& one) { check(one); }, action);
    effects_.clear();
}

void Judge::check(const core::Spawn& action) {
    const auto found =
        std::ranges::find(effects_, Effect::Kind::born, [](const Effect& effect) { return effect.kind; });
    if (found == effects_.end()) {
        unborn_.insert(action.worker);
        return;
    }
    const pid_t pid = found->pid;
    const Process& process = *kernel_.find(pid);
    if (process.environment.at(wire::notify_socket) != paths_.notify_socket(action.worker)) {
        unborn_.insert(action.worker);  // the next one's
        return;
    }
    effects_.erase(effects_.begin(), found + 1);
    pids_.emplace(action.worker, pid);
    generations_.emplace(pid, static_cast<std::uint32_t>(action.generation));
    check_birth(action, process);
}

void Judge::check_birth(const core::Spawn& action, const Process& process) const {
    const auto variable = [&](const char* which) { return process.environment.at(which); };
    if (variable(wire::generation) != std::to_string(static_cast<std::uint32_t>(action.generation)) ||
        variable(wire::slot) != std::to_string(action.slot) ||
        variable(wire::listen_pid) != std::to_string(process.pid))
        fail(name(action.worker) + " is told wrongly who it is");
    if (!process.running()) return;
    const int listeners = std::stoi(variable(wire::listen_fds));
    for (int fd = 3; fd < 3 + listeners; ++fd) {
        if (!is_listening(process.descriptors.at(fd).get()))
            fail(name(action.worker) + " gets no listener where one should be");
    }
}

// Its packet first, and then the signal.
void Judge::check(const core::Drain& action) {
    const Process* process = process_of(action.worker);
    if (process == nullptr || process->out_of_reach) return;
    const pid_t pid = process->pid;
    const bool refused = kernel_.take_refusal(pid);
    const auto packet = take_packet(pid);
    const int number = std::stoi(process->environment.at(wire::drain_signal));
    const bool signalled = take({.kind = Effect::Kind::signal, .pid = pid, .number = number});
    if (!process->running()) return;
    if (!signalled) fail(name(action.worker) + " is to drain, and gets no signal after its packet");
    if (!channels_.contains(action.worker)) return;
    if (!packet && !refused) fail(name(action.worker) + " is to drain, and finds no packet in its channel");
    if (packet && !refused && (packet->inbox != 0) != action.inbox.has_value())
        fail(name(action.worker) + " is told wrongly whether there is an inbox");
}

void Judge::check(const core::OfferInbox& action) {
    const Process* process = process_of(action.worker);
    if (process == nullptr || !process->running() || !channels_.contains(action.worker)) return;
    const bool refused = kernel_.take_refusal(process->pid);
    const auto packet = take_packet(process->pid);
    if (refused) return;
    if (!packet) fail(name(action.worker) + " is offered another inbox, and finds no packet in its channel");
    if ((packet->inbox != 0) != action.inbox.has_value())
        fail(name(action.worker) + " is told wrongly whether there is another inbox");
}

void Judge::check(const core::Kill& action) {
    const Process* process = process_of(action.worker);
    if (process == nullptr || process->out_of_reach) return;
    const bool signalled =
        take({.kind = Effect::Kind::signal, .pid = process->pid, .number = SIGKILL, .group = true});
    if (process->running() && !signalled) fail(name(action.worker) + " is to be killed, and is not");
}

void Judge::check_patience(const core::Kill& action) {
    const Process* process = process_of(action.worker);
    if (action.reason == core::Kill::Reason::ready_timeout && process != nullptr && process->said_ready)
        fail(name(action.worker) + " is killed for its silence, and had said that it is ready");
}

// Of descriptors below those of the world around.
void Judge::audit() {
    const sim::Model& now = checker_.model();
    if (kernel_.limited() || !serves() || now.generations.size() != 1 || now.preparing) return;
    if (!kernel_.idle() || kernel_.quiet_for() < 100 * millisecond) return;
    const auto processes = kernel_.all_there();
    std::size_t channels = 0;
    for (const sim::Worker& worker : now.workers) {
        if (worker.state != core::WorkerState::ready) return;
        channels += worker.channel ? 1 : 0;
    }
    if (processes.size() != now.workers.size()) return;  // somebody is just ending, or is left
    const auto speakers = std::ranges::count_if(processes, &Process::said_ready);
    const std::string what = std::to_string(processes.size()) + " workers, of which " +
                             std::to_string(speakers) + " have spoken, with " + std::to_string(channels) +
                             " channels, " + processes.front()->environment.at("LAYOUT");
    const std::size_t held = master_descriptors();
    const auto [before, first] = held_.emplace(what, held);
    kernel_.trace("--- " + what + ": " + std::to_string(held) + " descriptors");
    // Without one that was free, the master may do without another.
    if (!first && before->second != held && !kernel_.was_limited())
        fail("with " + what + " the master held " + std::to_string(before->second) +
             " descriptors before, and holds " + std::to_string(held) + " now");
    check_record(processes);
}

void Judge::check_record(const std::vector<Process*>& processes) const {
    const auto record = read_live_record(paths_.live_workers);
    if (!record || !*record) fail("there is no record of live workers");
    for (const Process* process : processes) {
        const bool written = std::ranges::any_of(
            (*record)->workers, [&](const LiveWorker& one) { return one.process.pid == process->pid; });
        if (!written)
            fail("process " + std::to_string(process->pid) + " is not in the record of live workers");
    }
}

void Judge::check(const core::CloseInbox& /*action*/) {
    const auto found = std::ranges::find(effects_, Effect::Kind::shut_down,
                                         [](const Effect& effect) { return effect.kind; });
    if (found == effects_.end()) fail("an inbox is to be closed, and is not");
    effects_.erase(effects_.begin(), found + 1);
}

bool Judge::anybody_replaced_by(std::uint32_t generation) {
    const auto replaced = promoted_.at(generation);
    return replaced && std::ranges::any_of(kernel_.running(), [&](const Process* process) {
               const auto of = generations_.find(process->pid);
               return of != generations_.end() && of->second == static_cast<std::uint32_t>(*replaced) &&
                      process->can_be_ended();
           });
}

bool Judge::anybody_left() {
    return std::ranges::any_of(kernel_.running(),
                               [](const Process* process) { return process->can_be_ended(); });
}

void Judge::at_end(int exit_code) {
    settle();
    if (!checker_.model().exited) fail("the master has ended before the core said so");
    if (checker_.model().exit_code != exit_code) fail("the master's exit code is not the core's");
    for (const Process* process : kernel_.running()) {
        if (process->can_be_ended())
            fail("process " + std::to_string(process->pid) + " is still there at the end");
    }
}

}  // namespace sup::shell
