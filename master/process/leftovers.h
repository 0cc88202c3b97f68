// Ends what a worker has left behind in sessions of its own.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/uv.h"
#include "master/process/orphans.h"

namespace sup {

// Main thread only, after the worker was reaped; this process must be the heir of orphans
// (PR_SET_CHILD_SUBREAPER) and reap them. SIGTERM, a second later SIGKILL, and after one more second it gives
// up: it always finishes.
class Leftovers {
public:
    // `ended` is called once, from the loop, after begin() said true; it may destroy this. `orphans` outlives
    // it.
    Leftovers(uv_loop_t* loop, Orphans& orphans, WorkerMarks worker, Orphans::IsOnlyItsOwn is_only_its_own,
              std::function<void()> ended);
    Leftovers(const Leftovers&) = delete;
    Leftovers& operator=(const Leftovers&) = delete;

    // Looks for them. With `at_once` they get SIGKILL, and no time. False: there are none.
    bool begin(bool at_once);
    // They have no more time.
    void kill();

    // Whether it is one of those that are being ended.
    bool has_found(const ProcessStat& process) const;
    // Of who was found outside the worker's group and could be signalled, in words: "process 4711 (sleep) and
    // process 4712 (sleep)"; empty: nobody. The group was killed when the worker was reaped, and may merely
    // not be gone yet.
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
    void begin_stage(Stage stage);
    bool anybody_can_end() const;
    void again();
    void finish();

    uv_loop_t* loop_;
    Orphans& orphans_;
    WorkerMarks worker_;
    Orphans::IsOnlyItsOwn is_only_its_own_;
    std::function<void()> ended_;
    Stage stage_ = Stage::asked;
    std::uint64_t since_ = 0;  // when this stage began, in the loop's milliseconds
    std::vector<Found> found_;
    std::vector<ProcessStat> remaining_;
    uv::Timer timer_;
};

}  // namespace sup
