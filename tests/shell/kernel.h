// A kernel as the master sees it, with a time of its own. Processes are objects in this one, their pidfds
// pipes; sockets, files and descriptors are real. When nothing is ready, the time jumps to whatever comes
// next, so that hours pass in milliseconds. All that happens by chance is drawn from one seed.
#pragma once

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.h"
#include "master/spawn/spawn_child.h"
#include "tests/shell/border.h"
#include "tests/sim/random.h"

namespace sup::shell {

using Micros = std::int64_t;
constexpr Micros millisecond = 1'000;
constexpr Micros second = 1'000 * millisecond;

// Ends the test: a promise is broken.
[[noreturn]] void fail(const std::string& what);

struct Process;

// What a process does.
class Program {
public:
    virtual ~Program() = default;
    // Any but 0 and SIGKILL, in the middle of the master's call: nothing may happen at once but that it reads.
    virtual void signalled(Process& process, int number) = 0;
    // Something may have come; the master is not running.
    virtual void look() = 0;
};

struct Process {
    enum class State { running, ended, reaped };
    pid_t pid = 0;
    State state = State::running;
    bool killed = false;  // SIGKILL is on its way
    bool signalled = false;
    int code = 0;
    bool out_of_reach = false;  // no signal comes to it
    bool said_ready = false;    // in a way that counts
    bool leftover = false;      // no worker
    bool overlooked = false;    // the master could not open /proc when it was to end this one
    pid_t parent = 0;           // a worker; 0: the master
    std::uint64_t start_time = 0;
    std::map<std::string, std::string> environment;
    std::map<int, UniqueFd> descriptors;  // by their number there
    std::vector<UniqueFd> watchers;       // the pidfds' other ends
    std::unique_ptr<Program> program;

    bool running() const { return state == State::running; }
    // The master can end it.
    bool can_be_ended() const { return running() && !out_of_reach && !overlooked; }
};

// What the master has done that somebody else can see.
struct Effect {
    enum class Kind { born, drain_packet, signal, shut_down };
    Kind kind;
    pid_t pid = 0;
    int number = 0;      // signal
    bool group = false;  // to all of its group
    ino_t inbox = 0;     // drain_packet: the sender's end, if any; shut_down: which socket
    friend bool operator==(const Effect&, const Effect&) = default;
};
std::string to_string(const Effect& effect);

// How much goes wrong, in percent.
struct Faults {
    std::uint32_t spawn = 0;
    std::uint32_t exec = 0;
    std::uint32_t send = 0;
    std::uint32_t out_of_reach = 0;
    std::uint32_t stall = 0;
};

class Kernel {
public:
    struct Callbacks {
        std::function<std::unique_ptr<Program>(Process&)> run;
        std::function<void(const Effect&)> effect;
        std::function<void()> look;  // something may have come for whoever is no process
        std::function<void(const std::string&)> trace;
    };
    explicit Kernel(std::uint64_t seed) : random_(seed) {}
    ~Kernel();
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;
    void set_callbacks(Callbacks callbacks) { callbacks_ = std::move(callbacks); }

    // For the world around the master.
    Micros now() const { return now_; }
    void after(Micros delay, std::function<void()> what);
    // Of a process, unless it has ended by then.
    void after(Micros delay, const Process& process, std::function<void()> what);
    sim::Random& random() { return random_; }
    Faults& faults() { return faults_; }
    void trace(const std::string& line) const { callbacks_.trace(line); }
    // A process that leaves its parent's session; the master inherits it.
    void fork(const Process& parent, std::unique_ptr<Program> program);
    // It calls exit, or a signal ends it.
    void exit(Process& process, int code);
    void kill_by(Process& process, int number);
    Process* find(pid_t pid);
    std::vector<Process*> running();
    // Also those that have ended and are not waited for.
    std::vector<Process*> all_there();
    // A channel's end that is on its way to the master.
    void note_channel(int end, pid_t pid);
    // Whether a packet to this worker was refused since it was asked last.
    bool take_refusal(pid_t pid);
    // The master gets no more than so many descriptors above those that it has; none: all. To be called from
    // the world, while the master does not run.
    void limit_descriptors(std::optional<int> more);
    // Since a process ended.
    Micros quiet_for() const { return now_ - last_end_; }
    // The master sleeps, and has looked at all that came.
    bool idle() const { return idle_; }
    // It once had too few descriptors.
    bool was_limited() const { return was_limited_; }
    bool limited() const { return limit_.has_value(); }
    // The name that says whose message it is.
    static std::string sender_name(pid_t pid);
    // The end: whoever still runs is no more.
    void end_all();

    // For the border. As the calls of these names.
    int wait(int epoll, epoll_event* events, int most, int timeout);
    int clock(clockid_t clock, timespec* time) const;
    int clone(ChildPlan& plan, int& pidfd);
    int wait_for(idtype_t type, id_t id, siginfo_t& info, int options);
    int kill(pid_t pid, int number);
    int open_pidfd(pid_t pid);
    int signal_pidfd(int pidfd, int number);
    std::optional<int> open(std::string_view path);
    ssize_t receive(int socket, msghdr& message, int flags);
    ssize_t send(int socket, const msghdr& message, int flags);
    int shut_down(int socket, int how);
    unsigned random_number() { return static_cast<unsigned>(random_.next()); }

private:
    // While it lives, descriptors do not run out: the world around has its own.
    class Room;
    struct Due {
        Micros at;
        std::uint64_t order;
        std::function<void()> what;
        bool operator<(const Due& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };
    void run_due();
    void look_around();
    void stall();
    void end(Process& process, bool signalled, int code);
    int make_pidfd(Process& process);
    Process* by_pidfd(int pidfd);
    Process* awaited(idtype_t type, id_t id);
    int signal(Process& process, int number, bool group);
    void begin(ChildPlan& plan, Process& process);
    void note_birth(const ChildPlan& plan, const Process& process) const;
    std::optional<std::string> proc_file(pid_t pid, std::string_view file);
    bool fault(std::uint32_t percent) { return percent > 0 && random_.chance(percent); }

    sim::Random random_;
    Faults faults_;
    Callbacks callbacks_;
    Micros now_ = 1'000 * second;
    std::uint64_t order_ = 0;
    std::priority_queue<Due> due_;
    std::map<pid_t, std::unique_ptr<Process>> processes_;
    std::vector<std::unique_ptr<Program>> ended_programs_;
    std::map<ino_t, pid_t> pidfds_;
    std::map<ino_t, pid_t> channels_;
    std::vector<pid_t> refused_;
    pid_t last_pid_ = 10'000'000;  // no process of this machine has such a number
    Micros last_end_ = 0;
    Micros inboxes_full_until_ = 0;  // as nobody takes from them
    bool idle_ = false;
    bool was_limited_ = false;
    std::optional<unsigned long> limit_;
    int rooms_ = 0;
};

// Descriptors of the world around, out of the way of those of the master.
constexpr int floor_of_the_world = 4'000;
UniqueFd moved_up(UniqueFd fd);
ino_t inode_of(int fd);

}  // namespace sup::shell
