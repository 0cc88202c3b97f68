// Whether a message comes from a worker.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>

#include "master/notify/paced_poll.h"
#include "master/process/orphans.h"
#include "master/process/sender.h"

namespace sup {

// Whoever is of the worker's tree is heard; also a sender that has ended already (systemd-notify in a
// script), when its user is one that a process of the tree has or had. Main thread only.
//
// Others may write to the sockets, too, and must not make the master work: what it does for a message is
// bounded, and little is done in a second for users that are not known to be the worker's. While somebody
// floods a socket with another user's messages, a process of the worker that has become a user of which
// nobody knew before may go unheard.
class Hearing {
public:
    // Milliseconds of a clock that does not go back.
    using Clock = std::function<std::uint64_t()>;

    // Both outlive it. After the worker's birth: it looks at once whose it is.
    Hearing(Orphans& orphans, const WorkerMarks& worker, Clock clock);
    Hearing(const Hearing&) = delete;
    Hearing& operator=(const Hearing&) = delete;

    bool hears(const Sender& sender);
    // Whether a living process, which a message names, is the worker's.
    bool is_its_own(pid_t pid) const;
    // The number may be another's from now on: what is known of its users remains.
    void worker_was_reaped() { reaped_ = true; }

    // How often all processes of the worker were looked at.
    std::uint64_t looks() const noexcept { return looks_; }

private:
    bool has_user(uid_t user);
    void look_at_main();
    void look_at_all();
    void remember(const ProcessUsers& users);

    Orphans& orphans_;
    const WorkerMarks& worker_;
    Clock clock_;
    std::set<uid_t> users_;  // that processes of it have or had
    bool hidden_ = false;    // /proc does not tell even of the living worker
    bool reaped_ = false;
    Pace unknown_users_;
    std::optional<std::uint64_t> looked_at_;
    std::uint64_t looks_ = 0;
};

}  // namespace sup
