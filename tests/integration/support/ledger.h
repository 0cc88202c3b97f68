// Counts workers at every moment, from the events that the master sends to its control socket: nothing
// between two looks is missed.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <tuple>

#include "tests/integration/support/control.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

class Ledger {
public:
    // Begins with the workers that are there; nothing may be under way.
    explicit Ledger(const Instance& instance);

    // Reads on until a generation is told to be in that state; fails the test when that never comes.
    void until(int generation, const std::string& state);

    int least_ready() const { return least_ready_; }
    int most_serving() const { return most_serving_; }      // workers that start or are ready
    int most_processes() const { return most_processes_; }  // those that drain included
    std::string text() const;

private:
    void count();

    ControlClient client_;
    std::map<std::tuple<int, int, pid_t>, std::string> workers_;  // generation, slot, pid: state
    int least_ready_ = 0;
    int most_serving_ = 0;
    int most_processes_ = 0;
};

}  // namespace sup::test
