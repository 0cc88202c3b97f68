// Who of all the workers that print is read next, and who has to wait for the log's reader.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <list>
#include <optional>

#include "common/duration.h"
#include "common/uv.h"

namespace sup {

// One pipe that a worker prints into.
class OutputSource {
public:
    OutputSource() = default;
    virtual ~OutputSource() = default;
    OutputSource(const OutputSource&) = delete;
    OutputSource& operator=(const OutputSource&) = delete;

    // Reads one small piece. True: there may be more, and it wants another turn. False: it asks again by
    // itself when there is; it may be gone.
    virtual bool read_piece() = 0;
    // Whether who writes there has to wait.
    virtual bool is_full() const = 0;

private:
    friend class OutputTurns;
    enum class State { idle, ready, waiting };
    State state_ = State::idle;
    bool patient_ = false;
    std::uint64_t given_up_in_ = 0;            // which time that the log was full
    std::optional<std::uint64_t> full_since_;  // ms of the loop's clock, while it waits
};

// Main thread only. All that is read of workers is read here, piece by piece in turn, some milliseconds at
// the most in each turn of the loop: no worker's output holds up anything else.
//
// While the log is full a source that is patient is left unread, so that its worker waits in write(2) as it
// would for any slow reader. A pipe that was full and unread for the time that is set is given up: read all
// the same, until the log has room again. What is read while the log is full is for the log to count.
class OutputTurns {
public:
    struct Log {
        std::function<bool()> full;
        std::function<void()> piece_over;  // the lines of one piece are complete
    };
    OutputTurns(uv_loop_t* loop, Log log);

    // None: for ever.
    void set_wait(std::optional<Duration> wait);
    void set_patient(OutputSource& source, bool patient);
    // It is readable. Asking twice is asking once.
    void wants_turn(OutputSource& source);
    void forget(OutputSource& source);
    // The log has room again.
    void resume();

private:
    bool has_to_wait(const OutputSource& source) const;
    void make_ready(OutputSource& source);
    void wait(OutputSource& source);
    void serve();
    void look_at_waiting();

    uv_loop_t* loop_;
    Log log_;
    std::optional<Duration> wait_ = Duration{2'000};
    std::list<OutputSource*> ready_;
    std::list<OutputSource*> waiting_;
    std::uint64_t times_full_ = 1;
    uv::Idle turn_;
    uv::Timer look_;
};

}  // namespace sup
