#include "master/process/leftovers.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "master/process/held_process.h"
#include "master/process/sender.h"

namespace sup {
namespace {

constexpr Duration between_looks_at_leftovers{20};
constexpr Duration patience{1'000};

bool lives(const ProcessStat& process) {
    const auto now = process_stat(process.pid);
    return now && !now->ended && now->start_time == process.start_time;
}

}  // namespace

Leftovers::Leftovers(uv_loop_t* loop, Orphans& orphans, WorkerMarks worker,
                     Orphans::IsOnlyItsOwn is_only_its_own, std::function<void()> ended)
    : loop_(loop),
      orphans_(orphans),
      worker_(std::move(worker)),
      is_only_its_own_(std::move(is_only_its_own)),
      ended_(std::move(ended)),
      timer_(loop, [this] { again(); }) {}

bool Leftovers::begin(bool at_once) {
    begin_stage(at_once ? Stage::killed : Stage::asked);
    look();
    if (found_.empty()) timer_.cancel();
    return !found_.empty();
}

void Leftovers::kill() {
    if (stage_ == Stage::killed) return;
    begin_stage(Stage::killed);
    for (Found& found : found_) signal(found);
    look();
}

void Leftovers::begin_stage(Stage stage) {
    stage_ = stage;
    uv_update_time(loop_);
    since_ = uv_now(loop_);
}

// A process found for the first time gets SIGTERM; nothing starts new ones faster than we find them.
// The more a look cost, the later the next one comes: most of the time belongs to others.
void Leftovers::look() {
    constexpr int others_share = 10;
    const std::uint64_t before = uv_hrtime();
    for (const ProcessStat& process : orphans_.left_by(worker_, is_only_its_own_)) add(process);
    const auto cost = std::chrono::nanoseconds(uv_hrtime() - before);
    timer_.arm(
        std::max(between_looks_at_leftovers, std::chrono::duration_cast<Duration>(others_share * cost)));
}

void Leftovers::add(const ProcessStat& process) {
    if (has_found(process)) return;
    Found& found = found_.emplace_back(Found{process, describe(Sender{process.pid, 0}), false});
    signal(found);
}

bool Leftovers::has_found(const ProcessStat& process) const {
    return std::ranges::any_of(found_, [&](const Found& one) {
        return one.process.pid == process.pid && one.process.start_time == process.start_time;
    });
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
    look();
    if (!anybody_can_end()) return finish();
    if (Duration{static_cast<Duration::rep>(uv_now(loop_) - since_)} < patience) return;
    if (stage_ == Stage::killed) return finish();
    kill();
}

void Leftovers::finish() {
    timer_.cancel();
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
        if (one.process.group != worker_.pid && !one.refused) names.push_back(one.name);
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
