#include "master/process/sender.h"

#include <algorithm>

#include "common/safe_text.h"
#include "master/process/process_info.h"

namespace sup {
namespace {

// Nobody of whom nothing can be known is positively somebody else: where /proc hides the worker, it is
// believed.
bool has_user_of(const WorkerMarks& worker, uid_t user) {
    bool known = false;
    for (const ProcessStat& one : processes_of(worker)) {
        const auto users = process_users(one.pid);
        if (users && users->include(user)) return true;
        known = known || users.has_value();
    }
    // The main process may be a zombie, whose last words these are.
    if (const auto users = process_users(worker.pid)) return users->include(user);
    return !known;
}

}  // namespace

bool is_heard(const Sender& sender, const WorkerMarks& worker) {
    if (sender.pid == worker.pid && sender.pid > 0) return true;
    const auto stat = process_stat(sender.pid);
    if (stat && belongs_to(*stat, worker)) return true;
    const bool lives = stat && !stat->ended;
    return !lives && has_user_of(worker, sender.user);
}

std::string describe(const Sender& sender) {
    const std::string process = "process " + std::to_string(sender.pid);
    const std::string name = process_command(sender.pid);
    if (name.empty()) return process + ", which has ended,";
    return process + " (" + safe_text(name, name.size()) + ")";
}

}  // namespace sup
