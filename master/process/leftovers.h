// Ends what a worker has left behind in sessions of its own.
#pragma once

#include <uv.h>

#include <functional>
#include <string>
#include <vector>

#include "common/uv.h"
#include "master/process/process_tree.h"

namespace sup {

// Main thread only, after the worker was reaped; this process must be the heir of orphans
// (PR_SET_CHILD_SUBREAPER) and reap them. SIGTERM, a second later SIGKILL, and after one more second it gives
// up: it always comes to its end.
class Leftovers {
public:
    // Whether a process that bears none of the worker's marks can be nobody else's all the same.
    using IsOnlyItsOwn = std::function<bool(const ProcessStat&)>;

    // `ended` is called once, from the loop, after begin() said true; it may destroy this.
    Leftovers(uv_loop_t* loop, WorkerMarks worker, IsOnlyItsOwn is_only_its_own, std::function<void()> ended);
    Leftovers(const Leftovers&) = delete;
    Leftovers& operator=(const Leftovers&) = delete;

    // Looks for them. With `at_once` they get SIGKILL, and no time. False: there are none.
    bool begin(bool at_once);
    // They have no more time.
    void kill();

    // Of who was found outside the worker's group, in words: "process 4711 (sleep) and process 4712 (sleep)";
    // empty: nobody. The group was killed when the worker was reaped, and may merely not be gone yet.
    std::string names() const;
    // Who still lives, when it has ended: who may not be signalled, or does not end at SIGKILL.
    const std::vector<ProcessStat>& remaining() const { return remaining_; }

private:
    enum class Stage { asked, killed };
    struct Found {
        ProcessStat process;
        std::string name;
        bool refused = false;
    };
    void look();
    void add(const ProcessStat& process);
    void signal(Found& found) const;
    bool anybody_can_end() const;
    void again();
    void finish();

    WorkerMarks worker_;
    IsOnlyItsOwn is_only_its_own_;
    std::function<void()> ended_;
    Stage stage_ = Stage::asked;
    Duration waited_{0};  // in this stage
    std::vector<Found> found_;
    std::vector<ProcessStat> remaining_;
    uv::Timer timer_;
};

// Which of the descendants of this process a worker has left: those that belong to it, and what descends from
// them.
std::vector<ProcessStat> left_by(const WorkerMarks& worker, const Leftovers::IsOnlyItsOwn& is_only_its_own);

}  // namespace sup
