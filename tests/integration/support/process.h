// Child processes of a test, and what /proc says about any process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "tests/integration/support/wait.h"

namespace sup::test {

// What to run and in what surroundings.
struct Launch {
    std::vector<std::string> argv;             // [0] is looked up in PATH
    std::map<std::string, std::string> env{};  // added to the test's own environment
    std::string cwd{};                         // empty: the test's own
    std::function<void()> in_child{};          // runs between fork and exec
    bool terminal = false;  // controlling terminal instead of pipes; `out` is what it shows
};

// How a child ended.
struct Outcome {
    int exit_code = -1;      // of a child that exited
    int signal = 0;          // that ended it
    bool timed_out = false;  // it, or somebody holding its output, was still there at the deadline
    std::string out;
    std::string err;

    std::string text() const { return out + err; }
};

// A running child, leader of its own process group. Killed, with its group, and reaped when it goes out of
// scope.
class Child {
public:
    explicit Child(const Launch& launch);
    ~Child();
    Child(Child&& other) noexcept;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    bool running();  // collects output, too
    void signal(int number) const;
    void signal_group(int number) const;
    void type(const std::string& keys) const;  // at its terminal
    void close_terminal();                     // its session is hung up

    // What it has written until now.
    const std::string& output();

    // Until it has exited and both its outputs are closed. A child that is late is killed.
    Outcome wait(std::chrono::milliseconds deadline = patience);

private:
    void collect(std::chrono::milliseconds patience_for_more);
    void reap(bool block);

    pid_t pid_ = -1;
    bool reaped_ = false;
    int wait_status_ = 0;
    UniqueFd out_, err_;
    Outcome outcome_;
};

Outcome run(const Launch& launch, std::chrono::milliseconds deadline = patience);

namespace proc {

struct Stat {
    char state = '?';
    pid_t parent = 0;
    pid_t group = 0;
    std::string command;
};

std::optional<Stat> stat(pid_t pid);
bool alive(pid_t pid);  // there, and not a zombie
std::vector<pid_t> all();
std::vector<pid_t> children(pid_t parent);  // zombies too
std::vector<std::string> environment(pid_t pid);
std::optional<std::string> variable(pid_t pid, const std::string& name);
std::set<int> descriptors(pid_t pid);
std::string link(pid_t pid, const std::string& name);          // "exe", "cwd", "fd/0"
std::string status_field(pid_t pid, const std::string& name);  // of /proc/PID/status
std::string limit(pid_t pid, const std::string& name);         // soft limit, of /proc/PID/limits
std::size_t threads(pid_t pid);
long memory_kib(pid_t pid, const std::string& kind);  // of /proc/PID/smaps_rollup: "Pss", "Private_Dirty"

}  // namespace proc

}  // namespace sup::test
