#include "master/process/leftovers.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "master/process/held_process.h"
#include "master/process/sender.h"

namespace sup {
namespace {

constexpr Duration between_looks{20};
constexpr Duration patience{1'000};

bool lives(const ProcessStat& process) {
    const auto now = process_stat(process.pid);
    return now && !now->ended && now->start_time == process.start_time;
}

}  // namespace

std::vector<ProcessStat> left_by(const WorkerMarks& worker, const Leftovers::IsOnlyItsOwn& is_only_its_own) {
    std::vector<ProcessStat> left;
    for (const ProcessStat& one : descendants_of(::getpid())) {
        if (one.ended || one.pid == worker.pid) continue;
        const bool below = std::ranges::find(left, one.parent, &ProcessStat::pid) != left.end();
        if (below || belongs_to(one, worker) || (is_only_its_own && is_only_its_own(one)))
            left.push_back(one);
    }
    return left;
}

Leftovers::Leftovers(uv_loop_t* loop, WorkerMarks worker, IsOnlyItsOwn is_only_its_own,
                     std::function<void()> ended)
    : worker_(std::move(worker)),
      is_only_its_own_(std::move(is_only_its_own)),
      ended_(std::move(ended)),
      timer_(loop, [this] { again(); }) {}

bool Leftovers::begin(bool at_once) {
    if (at_once) stage_ = Stage::killed;
    look();
    if (found_.empty()) return false;
    timer_.arm(between_looks);
    return true;
}

void Leftovers::kill() {
    if (stage_ == Stage::killed) return;
    stage_ = Stage::killed;
    waited_ = Duration{0};
    for (Found& found : found_) signal(found);
    look();
}

// Whoever is found for the first time is told; whoever starts more of them meanwhile is no faster than we.
void Leftovers::look() {
    for (const ProcessStat& process : left_by(worker_, is_only_its_own_)) add(process);
}

void Leftovers::add(const ProcessStat& process) {
    const auto known = std::ranges::find_if(found_, [&](const Found& one) {
        return one.process.pid == process.pid && one.process.start_time == process.start_time;
    });
    if (known != found_.end()) return;
    Found& found = found_.emplace_back(Found{process, describe(Sender{process.pid, 0}), false});
    signal(found);
}

void Leftovers::signal(Found& found) const {
    const auto held = HeldProcess::hold(found.process);
    if (!held) return;
    found.refused = held->signal(stage_ == Stage::asked ? SIGTERM : SIGKILL) == SignalOutcome::refused;
}

bool Leftovers::anybody_can_end() const {
    return std::ranges::any_of(found_, [](const Found& one) { return !one.refused && lives(one.process); });
}

void Leftovers::again() {
    waited_ += between_looks;
    look();
    if (!anybody_can_end()) return finish();
    if (waited_ >= patience && stage_ == Stage::killed) return finish();
    if (waited_ >= patience) kill();
    timer_.arm(between_looks);
}

void Leftovers::finish() {
    for (const Found& one : found_) {
        if (lives(one.process)) remaining_.push_back(one.process);
    }
    const auto call = std::exchange(ended_, nullptr);  // may destroy this
    call();
}

std::string Leftovers::names() const {
    constexpr std::size_t most = 3;
    std::vector<std::string> names;
    for (const Found& one : found_) {
        if (one.process.group != worker_.pid) names.push_back(one.name);
    }
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
        text += names[i];
    }
    if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
    return text;
}

}  // namespace sup
