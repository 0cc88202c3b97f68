#include "master/notify/hearing.h"

#include <utility>

namespace sup {
namespace {

constexpr std::uint64_t between_looks_at_senders = 1'000;
// More than a worker has; whoever changes its user without end is not remembered.
constexpr std::size_t most_users = 256;
constexpr std::size_t most_processes_asked = 512;
// Of users that are not known to be the worker's.
constexpr std::uint64_t messages_at_once = 16;
constexpr std::uint64_t messages_per_second = 16;

}  // namespace

Hearing::Hearing(Orphans& orphans, const WorkerMarks& worker, Clock clock)
    : orphans_(orphans),
      worker_(worker),
      clock_(std::move(clock)),
      unknown_users_(messages_at_once, messages_per_second) {
    look_at_main();
}

bool Hearing::hears(const Sender& sender) {
    if (sender.pid == worker_.pid && sender.pid > 0) return true;
    if (!users_.contains(sender.user) && !unknown_users_.take(clock_())) return false;
    const auto stat = process_stat(sender.pid);
    if (stat && orphans_.belongs_to(*stat, worker_)) {
        remember({sender.user, sender.user, sender.user});
        return true;
    }
    const bool lives = stat && !stat->ended;
    return !lives && has_user(sender.user);
}

bool Hearing::is_its_own(pid_t pid) const {
    const auto stat = process_stat(pid);
    return stat && orphans_.belongs_to(*stat, worker_);
}

// Nobody of whom nothing can be known is positively somebody else: where /proc hides the living worker, it is
// believed.
bool Hearing::has_user(uid_t user) {
    if (users_.contains(user)) return true;
    look_at_main();
    if (!users_.contains(user)) look_at_all();
    return users_.contains(user) || hidden_;
}

// Also while it is a zombie.
void Hearing::look_at_main() {
    if (reaped_) return;
    const auto users = process_users(worker_.pid);
    hidden_ = !users;
    if (users) remember(*users);
}

void Hearing::look_at_all() {
    const std::uint64_t now = clock_();
    if (looked_at_ && now - *looked_at_ < between_looks_at_senders) return;
    looked_at_ = now;
    ++looks_;
    std::size_t asked = 0;
    for (const ProcessStat& one : orphans_.processes_of(worker_)) {
        if (asked++ == most_processes_asked) return;
        if (const auto users = process_users(one.pid)) remember(*users);
    }
}

void Hearing::remember(const ProcessUsers& users) {
    if (users_.size() >= most_users) return;
    users_.insert({users.real, users.effective, users.saved});
}

}  // namespace sup
