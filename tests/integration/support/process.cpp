#include "tests/integration/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace sup::test {

namespace {

// Descriptors of the child before it has become another program.
struct Ends {
    UniqueFd out, err;
};

[[noreturn]] void become(const Launch& launch, const Ends& ends) {
    if (launch.terminal) {
        ::setsid();
        ::ioctl(ends.out.get(), TIOCSCTTY, 0);
        ::dup2(ends.out.get(), STDIN_FILENO);
    } else {
        ::setpgid(0, 0);
    }
    ::dup2(ends.out.get(), STDOUT_FILENO);
    ::dup2(ends.err ? ends.err.get() : ends.out.get(), STDERR_FILENO);
    for (const auto& [name, value] : launch.env) ::setenv(name.c_str(), value.c_str(), 1);
    if (!launch.cwd.empty() && ::chdir(launch.cwd.c_str()) != 0) ::_exit(126);
    if (launch.in_child) launch.in_child();
    std::vector<char*> argv;
    for (const auto& argument : launch.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
}

std::pair<UniqueFd, UniqueFd> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::pair<UniqueFd, UniqueFd> make_terminal() {
    int ours = -1;
    int theirs = -1;
    if (::openpty(&ours, &theirs, nullptr, nullptr, nullptr) != 0) throw std::runtime_error("openpty failed");
    for (const int end : {ours, theirs}) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    return {UniqueFd(ours), UniqueFd(theirs)};
}

// One read; a terminal whose other side is gone says EIO.
void read_some(UniqueFd& from, std::string& to) {
    std::array<char, 65536> buffer;
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size > 0) to.append(buffer.data(), static_cast<std::size_t>(size));
    if (size == 0 || (size < 0 && errno != EINTR)) from.reset();
}

}  // namespace

Child::Child(const Launch& launch) {
    Ends ends;
    if (launch.terminal) {
        std::tie(out_, ends.out) = make_terminal();
    } else {
        std::tie(out_, ends.out) = make_pipe();
        std::tie(err_, ends.err) = make_pipe();
    }
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) become(launch, ends);
    if (!launch.terminal) ::setpgid(pid_, pid_);  // whoever of the two is first
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      reaped_(other.reaped_),
      wait_status_(other.wait_status_),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      outcome_(std::move(other.outcome_)) {}

Child::~Child() {
    if (pid_ <= 0 || reaped_) return;
    signal_group(SIGKILL);
    signal(SIGKILL);
    reap(true);
}

void Child::signal(int number) const {
    if (!reaped_) ::kill(pid_, number);
}

void Child::signal_group(int number) const {
    if (!reaped_) ::kill(-pid_, number);
}

void Child::type(const std::string& keys) const {
    if (::write(out_.get(), keys.data(), keys.size()) < 0)
        throw std::runtime_error("cannot type at the terminal");
}

void Child::close_terminal() {
    out_.reset();
}

void Child::collect(std::chrono::milliseconds patience_for_more) {
    std::array<pollfd, 2> wanted{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(patience_for_more.count())) <= 0) return;
    if (wanted[0].revents != 0) read_some(out_, outcome_.out);
    if (wanted[1].revents != 0) read_some(err_, outcome_.err);
}

void Child::reap(bool block) {
    if (reaped_) return;
    reaped_ = ::waitpid(pid_, &wait_status_, block ? 0 : WNOHANG) == pid_;
}

bool Child::running() {
    collect(std::chrono::milliseconds(0));
    reap(false);
    return !reaped_;
}

const std::string& Child::output() {
    collect(std::chrono::milliseconds(0));
    return outcome_.out;
}

Outcome Child::wait(std::chrono::milliseconds deadline) {
    const bool in_time = eventually(
        [&] {
            collect(std::chrono::milliseconds(5));
            reap(false);
            return reaped_ && !out_ && !err_;
        },
        deadline);
    if (!in_time) {
        outcome_.timed_out = true;
        signal_group(SIGKILL);
        signal(SIGKILL);
        reap(true);
    }
    if (WIFEXITED(wait_status_)) outcome_.exit_code = WEXITSTATUS(wait_status_);
    if (WIFSIGNALED(wait_status_)) outcome_.signal = WTERMSIG(wait_status_);
    return outcome_;
}

Outcome run(const Launch& launch, std::chrono::milliseconds deadline) {
    return Child(launch).wait(deadline);
}

}  // namespace sup::test
