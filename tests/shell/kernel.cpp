#include "tests/shell/kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <limits>

namespace sup::shell {
namespace {

constexpr Micros realtime_at_zero = 1'790'000'000 * second;

int failed(int number) {
    errno = number;
    return -1;
}

void set_limit(unsigned long soft) {
    rlimit limit{};
    real(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit);
    limit.rlim_cur = std::min<rlim_t>(soft, limit.rlim_max);
    real(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr);
}

std::optional<int> number_at_start(std::string_view& text) {
    int number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

// A file that reads as this text.
int file_of(const std::string& text) {
    const int file = static_cast<int>(real(SYS_memfd_create, "proc", 1U /* MFD_CLOEXEC */));
    if (file < 0) return file;
    real(SYS_write, file, text.data(), text.size());
    real(SYS_lseek, file, 0, SEEK_SET);
    return file;
}

std::map<std::string, std::string> variables_of(char* const* environment) {
    std::map<std::string, std::string> variables;
    for (; *environment != nullptr; ++environment) {
        const std::string_view one = *environment;
        const std::size_t equals = one.find('=');
        variables.emplace(one.substr(0, equals), one.substr(equals + 1));
    }
    return variables;
}

// Who sent it, by the name that the sender has bound.
void set_credentials(msghdr& message, const sockaddr_un& sender, std::size_t size) {
    const std::string own = Kernel::sender_name(0);
    const std::size_t bytes = size - std::min(size, offsetof(sockaddr_un, sun_path));
    std::string_view name(sender.sun_path, bytes);
    if (!name.starts_with(own)) return;
    name.remove_prefix(own.size());
    const auto pid = number_at_start(name);
    if (!pid) return;
    for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
         control = CMSG_NXTHDR(&message, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_CREDENTIALS) continue;
        ucred credentials{};
        std::memcpy(&credentials, CMSG_DATA(control), sizeof credentials);
        credentials.pid = *pid;
        std::memcpy(CMSG_DATA(control), &credentials, sizeof credentials);
    }
}

std::optional<int> first_descriptor(const msghdr& message) {
    auto& readable = const_cast<msghdr&>(message);
    const cmsghdr* control = CMSG_FIRSTHDR(&readable);
    if (control == nullptr || control->cmsg_type != SCM_RIGHTS) return std::nullopt;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(control), sizeof fd);
    return fd;
}

}  // namespace

class Kernel::Room {
public:
    explicit Room(Kernel& kernel) : kernel_(kernel) {
        if (kernel_.rooms_++ == 0 && kernel_.limit_) set_limit(~0UL);
    }
    ~Room() {
        if (--kernel_.rooms_ == 0 && kernel_.limit_) set_limit(*kernel_.limit_);
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

private:
    Kernel& kernel_;
};

UniqueFd moved_up(UniqueFd fd) {
    return UniqueFd{static_cast<int>(real(SYS_fcntl, fd.get(), F_DUPFD_CLOEXEC, floor_of_the_world))};
}

ino_t inode_of(int fd) {
    struct stat file {};
    return ::fstat(fd, &file) == 0 ? file.st_ino : 0;
}

std::string to_string(const Effect& effect) {
    const std::string pid = std::to_string(effect.pid);
    switch (effect.kind) {
        case Effect::Kind::born: return "born " + pid;
        case Effect::Kind::drain_packet:
            return "drain packet to " + pid + (effect.inbox != 0 ? " with an inbox" : "");
        case Effect::Kind::signal:
            return "signal " + std::to_string(effect.number) + " to " + (effect.group ? "group " : "") + pid;
        case Effect::Kind::shut_down: return "an inbox is closed";
    }
    return {};
}

Kernel::~Kernel() {
    if (limit_) set_limit(~0UL);
}

std::string Kernel::sender_name(pid_t pid) {
    const std::string own = std::string(1, '\0') + "shell-sim." + std::to_string(::getpid()) + ".";
    return pid == 0 ? own : own + std::to_string(pid);
}

void Kernel::after(Micros delay, std::function<void()> what) {
    due_.push({now_ + delay, order_++, std::move(what)});
}

void Kernel::after(Micros delay, const Process& process, std::function<void()> what) {
    after(delay, [this, pid = process.pid, what = std::move(what)] {
        const Process* still = find(pid);
        if (still != nullptr && still->running()) what();
    });
}

Process* Kernel::find(pid_t pid) {
    const auto process = processes_.find(pid);
    return process == processes_.end() ? nullptr : process->second.get();
}

std::vector<Process*> Kernel::running() {
    std::vector<Process*> found;
    for (const auto& [pid, process] : processes_) {
        if (process->running()) found.push_back(process.get());
    }
    return found;
}

std::vector<Process*> Kernel::all_there() {
    std::vector<Process*> found;
    for (const auto& [pid, process] : processes_) {
        if (process->state != Process::State::reaped) found.push_back(process.get());
    }
    return found;
}

void Kernel::fork(const Process& parent, std::unique_ptr<Program> program) {
    auto child = std::make_unique<Process>();
    child->pid = ++last_pid_;
    child->parent = parent.pid;
    child->leftover = true;
    child->out_of_reach = parent.out_of_reach;
    child->start_time = static_cast<std::uint64_t>(now_ / (10 * millisecond));
    child->environment = parent.environment;
    child->program = std::move(program);
    trace("  process " + std::to_string(parent.pid) + " starts process " + std::to_string(child->pid));
    processes_.emplace(child->pid, std::move(child));
}

void Kernel::exit(Process& process, int code) {
    end(process, false, code);
}

void Kernel::kill_by(Process& process, int number) {
    end(process, true, number);
}

void Kernel::end(Process& process, bool signalled, int code) {
    if (!process.running()) return;
    trace("  process " + std::to_string(process.pid) + (signalled ? " is ended by signal " : " exits with ") +
          std::to_string(code));
    process.state = Process::State::ended;
    process.signalled = signalled;
    last_end_ = now_;
    process.code = code;
    process.descriptors.clear();
    ended_programs_.push_back(std::move(process.program));
    for (const UniqueFd& watcher : process.watchers) real(SYS_write, watcher.get(), "e", 1UL);
    process.watchers.clear();
    for (const auto& [pid, child] : processes_) {
        if (child->parent != process.pid) continue;
        child->parent = 0;
        child->overlooked = limit_.has_value();
    }
    if (process.parent == 0) real(SYS_kill, ::getpid(), SIGCHLD);
}

void Kernel::end_all() {
    const Room room(*this);
    for (auto& [pid, process] : processes_) process->program.reset();
    processes_.clear();
    ended_programs_.clear();
}

void Kernel::note_channel(int end, pid_t pid) {
    channels_[inode_of(end)] = pid;
}

bool Kernel::take_refusal(pid_t pid) {
    return std::erase(refused_, pid) > 0;
}

void Kernel::limit_descriptors(std::optional<int> more) {
    limit_.reset();
    if (!more) return;
    was_limited_ = true;
    for (const auto& [pid, process] : processes_) {
        if (process->leftover && process->parent == 0) process->overlooked = true;
    }
    const UniqueFd lowest{static_cast<int>(real(SYS_fcntl, 0, F_DUPFD_CLOEXEC, 0))};
    limit_ = static_cast<unsigned long>(lowest.get() + *more);
}

// Time

int Kernel::clock(clockid_t clock, timespec* time) const {
    const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    const Micros micros = now_ + (wall ? realtime_at_zero : 0);
    time->tv_sec = micros / second;
    time->tv_nsec = micros % second * 1'000;
    return 0;
}

void Kernel::run_due() {
    while (!due_.empty() && due_.top().at <= now_) {
        const auto what = due_.top().what;
        due_.pop();
        what();
    }
}

void Kernel::look_around() {
    for (Process* process : running()) {
        if (process->running()) process->program->look();
    }
    callbacks_.look();
    ended_programs_.clear();
}

// The master did not run for a while, but everybody else did.
void Kernel::stall() {
    const Micros end = now_ + (1 + random_.below(3'000)) * millisecond;
    trace("--- the master sleeps until " + std::to_string(end / millisecond) + " ms");
    while (!due_.empty() && due_.top().at <= end) {
        now_ = std::max(now_, due_.top().at);
        run_due();
        look_around();
    }
    now_ = end;
}

int Kernel::wait(int epoll, epoll_event* events, int most, int timeout) {
    const Room room(*this);
    idle_ = false;
    now_ += 20 + random_.below(100);  // what the master did has taken its time
    if (timeout != 0 && fault(faults_.stall)) stall();
    constexpr Micros never = std::numeric_limits<Micros>::max();
    const Micros end = timeout < 0 ? never : now_ + timeout * millisecond;
    for (;;) {
        run_due();
        look_around();
        const auto ready = real(SYS_epoll_pwait, epoll, events, most, 0, nullptr, std::size_t{8});
        if (ready < 0) return -1;
        for (long i = ready - 1; i > 0; --i)  // in any order
            std::swap(events[i], events[random_.below(static_cast<std::uint32_t>(i + 1))]);
        const long told = ready > 1 && random_.chance(30) ? 1 : ready;
        if (ready > 0 || timeout == 0) return static_cast<int>(told);
        const Micros next = due_.empty() ? never : due_.top().at;
        idle_ = true;
        if (std::min(next, end) == never) fail("the master sleeps, and nothing will ever wake it");
        now_ = std::max(now_, std::min(next, end));
        if (end < next) return 0;
    }
}

// Processes

int Kernel::make_pidfd(Process& process) {
    std::array<int, 2> ends{};
    if (real(SYS_pipe2, ends.data(), O_CLOEXEC) != 0) return -1;
    pidfds_[inode_of(ends[0])] = process.pid;
    UniqueFd watcher = moved_up(UniqueFd{ends[1]});
    if (process.running())
        process.watchers.push_back(std::move(watcher));
    else
        real(SYS_write, watcher.get(), "e", 1UL);
    return ends[0];
}

Process* Kernel::by_pidfd(int pidfd) {
    const auto known = pidfds_.find(inode_of(pidfd));
    return known == pidfds_.end() ? nullptr : find(known->second);
}

void Kernel::note_birth(const ChildPlan& plan, const Process& process) const {
    const ChildNote& note = plan.note;
    const std::string pid = std::to_string(process.pid);
    const std::string start_time = std::to_string(process.start_time);
    std::memcpy(note.pid, pid.data(), pid.size());
    std::memcpy(note.start_time, start_time.data(), start_time.size());
    real(SYS_write, note.file, note.text, note.size);
}

void Kernel::begin(ChildPlan& plan, Process& process) {
    if (plan.own_pid != nullptr) {
        const std::string pid = std::to_string(process.pid);
        std::memcpy(plan.own_pid, pid.c_str(), pid.size() + 1);
    }
    process.environment = variables_of(plan.environment);
    for (int i = 0; i < plan.source_count; ++i) {
        const long copy = real(SYS_fcntl, plan.sources[i], F_DUPFD_CLOEXEC, floor_of_the_world);
        if (copy < 0) fail("a worker is given a descriptor that is not open");
        process.descriptors.emplace(plan.targets[i], UniqueFd{static_cast<int>(copy)});
    }
    process.out_of_reach = fault(faults_.out_of_reach);
    process.program = callbacks_.run(process);
}

int Kernel::clone(ChildPlan& plan, int& pidfd) {
    if (fault(faults_.spawn)) {
        trace("  no process can be made");
        return failed(EAGAIN);
    }
    auto process = std::make_unique<Process>();
    process->pid = ++last_pid_;
    process->start_time = static_cast<std::uint64_t>(now_ / (10 * millisecond));
    const int made = make_pidfd(*process);
    if (made < 0) return -1;
    pidfd = made;
    const Room room(*this);
    if (plan.note.file >= 0) {
        note_birth(plan, *process);
        plan.noted = true;
    }
    Process& born = *processes_.emplace(process->pid, std::move(process)).first->second;
    if (fault(faults_.exec)) {
        plan.failed_step = "exec";
        plan.error_number = ENOENT;
        end(born, false, 127);
        return born.pid;
    }
    begin(plan, born);
    trace("  process " + std::to_string(born.pid) + " begins" + (born.out_of_reach ? ", out of reach" : ""));
    callbacks_.effect({.kind = Effect::Kind::born, .pid = born.pid});
    return born.pid;
}

Process* Kernel::awaited(idtype_t type, id_t id) {
    if (type == P_PID) return find(static_cast<pid_t>(id));
    if (type != P_ALL) return by_pidfd(static_cast<int>(id));
    Process* any = nullptr;
    for (const auto& [pid, process] : processes_) {
        if (process->parent != 0) continue;
        if (process->state == Process::State::ended) return process.get();
        if (process->running()) any = process.get();
    }
    return any;
}

int Kernel::wait_for(idtype_t type, id_t id, siginfo_t& info, int options) {
    const Room room(*this);
    info = {};
    Process* process = awaited(type, id);
    if (process == nullptr || process->state == Process::State::reaped) return failed(ECHILD);
    if (process->running() && (options & WNOHANG) != 0) return 0;
    if (process->running() && !process->killed) fail("the master waits for a process that nobody has ended");
    if (process->running()) kill_by(*process, SIGKILL);
    info.si_pid = process->pid;
    info.si_code = process->signalled ? CLD_KILLED : CLD_EXITED;
    info.si_status = process->code;
    if ((options & WNOWAIT) == 0) process->state = Process::State::reaped;
    return 0;
}

int Kernel::signal(Process& process, int number, bool group) {
    if (process.state == Process::State::reaped) return failed(ESRCH);
    if (process.out_of_reach) return failed(EPERM);
    if (number == 0 || !process.running()) return 0;
    const Room room(*this);
    const Effect effect{.kind = Effect::Kind::signal, .pid = process.pid, .number = number, .group = group};
    trace("  " + to_string(effect));
    callbacks_.effect(effect);
    if (number != SIGKILL) {
        process.program->signalled(process, number);
        return 0;
    }
    process.killed = true;
    after(random_.below(3'000), process, [this, &process] { kill_by(process, SIGKILL); });
    return 0;
}

int Kernel::kill(pid_t pid, int number) {
    if (pid == ::getpid()) return static_cast<int>(real(SYS_kill, pid, number));
    Process* process = find(pid < 0 ? -pid : pid);
    if (process == nullptr) fail("a signal is sent to process " + std::to_string(pid) + ", which never was");
    return signal(*process, number, pid < 0);
}

int Kernel::open_pidfd(pid_t pid) {
    Process* process = find(pid);
    if (process == nullptr || process->state == Process::State::reaped) return failed(ESRCH);
    return make_pidfd(*process);
}

int Kernel::signal_pidfd(int pidfd, int number) {
    Process* process = by_pidfd(pidfd);
    if (process == nullptr) return failed(EBADF);
    return signal(*process, number, false);
}

// Files below /proc

std::optional<std::string> Kernel::proc_file(pid_t pid, std::string_view file) {
    if (pid == ::getpid()) {
        if (file != "/task/" + std::to_string(pid) + "/children") return std::nullopt;
        std::string children;
        for (const auto& [child, process] : processes_) {
            if (process->state != Process::State::reaped && process->parent == 0)
                children += std::to_string(child) + " ";
        }
        return children;
    }
    const Process* process = find(pid);
    if (process == nullptr || process->state == Process::State::reaped) return std::nullopt;
    const std::string text = std::to_string(pid);
    if (file == "/stat") {
        const pid_t parent = process->parent == 0 ? ::getpid() : process->parent;
        return text + " (worker) " + (process->running() ? "S " : "Z ") + std::to_string(parent) + " " +
               text + " " + text + " 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " + std::to_string(process->start_time) +
               " 0 0\n";
    }
    if (file == "/status") {
        return "Name:\tworker\nUid:\t0\t0\t0\t0\nNSpid:\t" + text +
               "\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t00000000ffffffff\n";
    }
    if (file == "/comm") return "worker\n";
    if (file == "/environ") {
        std::string all;
        for (const auto& [name, value] : process->environment) all += name + "=" + value + '\0';
        return all;
    }
    return std::nullopt;
}

std::optional<int> Kernel::open(std::string_view path) {
    if (path == "/dev/tty") return failed(ENXIO);
    constexpr std::string_view proc = "/proc/";
    if (!path.starts_with(proc)) return std::nullopt;
    path.remove_prefix(proc.size());
    const auto pid = number_at_start(path);
    if (!pid) return std::nullopt;
    const auto text = proc_file(*pid, path);
    if (text) return file_of(*text);
    return *pid == ::getpid() ? std::nullopt : std::optional(failed(ENOENT));
}

// Messages

ssize_t Kernel::receive(int socket, msghdr& message, int flags) {
    sockaddr_un sender{};
    const bool asked = message.msg_name != nullptr;
    if (!asked) {
        message.msg_name = &sender;
        message.msg_namelen = sizeof sender;
    }
    const long size = real(SYS_recvmsg, socket, &message, flags);
    if (size >= 0 && !asked) set_credentials(message, sender, message.msg_namelen);
    if (!asked) {
        message.msg_name = nullptr;
        message.msg_namelen = 0;
    }
    return size;
}

ssize_t Kernel::send(int socket, const msghdr& message, int flags) {
    const auto channel = channels_.find(inode_of(socket));
    const auto to = channel == channels_.end() ? nullptr : find(channel->second);
    const bool to_an_inbox = to == nullptr && first_descriptor(message);
    const bool full = to_an_inbox && now_ < inboxes_full_until_;
    if (full || ((to != nullptr || to_an_inbox) && fault(faults_.send))) {
        if (to_an_inbox && !full) inboxes_full_until_ = now_ + random_.below(3'000) * millisecond;
        trace(to_an_inbox ? std::string("  a connection does not move on now")
                          : "  a packet to " + std::to_string(to->pid) + " does not go through");
        if (to != nullptr) refused_.push_back(to->pid);
        return failed(random_.chance(50) ? EAGAIN : ETOOMANYREFS);
    }
    const long size = real(SYS_sendmsg, socket, &message, flags);
    const std::string_view bytes(static_cast<const char*>(message.msg_iov->iov_base),
                                 message.msg_iov->iov_len);
    if (size < 0 || to == nullptr || bytes.find(R"("type":"drain")") == std::string_view::npos) return size;
    Effect effect{.kind = Effect::Kind::drain_packet, .pid = to->pid};
    if (const auto inbox = first_descriptor(message)) effect.inbox = inode_of(*inbox);
    trace("  " + to_string(effect));
    callbacks_.effect(effect);
    return size;
}

int Kernel::shut_down(int socket, int how) {
    const int result = static_cast<int>(real(SYS_shutdown, socket, how));
    if (result == 0) callbacks_.effect({.kind = Effect::Kind::shut_down, .inbox = inode_of(socket)});
    return result;
}

}  // namespace sup::shell
