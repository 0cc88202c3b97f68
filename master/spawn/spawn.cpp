#include "master/spawn/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/wire.h"
#include "master/spawn/process_limits.h"
#include "master/spawn/spawn_child.h"

namespace sup {
namespace {

// Everything, also what glibc keeps for itself: a handler that ran in the child would run on the parent's
// memory.
class AllSignalsBlocked {
public:
    AllSignalsBlocked() { set(~0ULL, &before_); }
    ~AllSignalsBlocked() { set(before_, nullptr); }
    AllSignalsBlocked(const AllSignalsBlocked&) = delete;
    AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

private:
    static void set(unsigned long long mask, unsigned long long* before) {
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, before, sizeof mask);
    }
    unsigned long long before_ = 0;
};

// The child's stack, with a page below it that faults.
class ChildStack {
public:
    ChildStack() {
        guard_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        size_ = guard_ + stack_bytes;
        void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) return;
        memory_ = static_cast<char*>(memory);
        ::mprotect(memory_, guard_, PROT_NONE);
    }
    ~ChildStack() {
        if (memory_ != nullptr) ::munmap(memory_, size_);
    }
    ChildStack(const ChildStack&) = delete;
    ChildStack& operator=(const ChildStack&) = delete;

    // Its end, because stacks grow downwards; null when there is no memory.
    void* top() const { return memory_ == nullptr ? nullptr : memory_ + size_; }

private:
    static constexpr std::size_t stack_bytes = std::size_t{64} * 1024;
    std::size_t guard_ = 0;
    std::size_t size_ = 0;
    char* memory_ = nullptr;
};

// Everything that the child will need, allocated before it exists. The plan points into it.
class Preparation {
public:
    Preparation(const SpawnRequest& request, int input)
        : sources_{input, request.standard_output, request.standard_error},
          launch_(request.executable.launch()),
          arguments_(launch_.leading),
          environment_(request.environment),
          note_(request.note.value_or(BirthNote{})) {
        sources_.insert(sources_.end(), request.listeners.begin(), request.listeners.end());
        for (std::size_t i = 0; i < sources_.size(); ++i) targets_.push_back(static_cast<int>(i));
        if (request.extra) {
            sources_.push_back(request.extra->source);
            targets_.push_back(request.extra->target);
        }
        const bool with_pid = request.listen_pid && !request.listeners.empty();
        if (with_pid) environment_.push_back(listen_pid + std::string(pid_digits, '\0'));
        arguments_.insert(arguments_.end(), request.arguments.begin() + 1, request.arguments.end());
        argument_pointers_ = pointers(arguments_);
        environment_pointers_ = pointers(environment_);

        plan_.sources = sources_.data();
        plan_.targets = targets_.data();
        plan_.source_count = static_cast<int>(sources_.size());
        plan_.executable = launch_.descriptor;
        plan_.executable_stays_open = launch_.stays_open;
        plan_.directory = request.directory.fd();
        plan_.path = launch_.path.c_str();
        plan_.arguments = argument_pointers_.data();
        plan_.environment = environment_pointers_.data();
        plan_.own_pid = with_pid ? environment_.back().data() + listen_pid.size() : nullptr;
        plan_.descriptor_limit = request.descriptor_limit;
        if (request.note)
            plan_.note = {note_.file, note_.text.data(), note_.text.size(), note_.text.data() + note_.pid_at,
                          note_.text.data() + note_.start_time_at};
    }
    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    ChildPlan& plan() { return plan_; }

private:
    // The null-terminated array that exec wants.
    static std::vector<char*> pointers(std::vector<std::string>& strings) {
        std::vector<char*> list;
        list.reserve(strings.size() + 1);
        for (std::string& text : strings) list.push_back(text.data());
        list.push_back(nullptr);
        return list;
    }

    inline static const std::string listen_pid = std::string(wire::listen_pid) + "=";
    std::vector<int> sources_;
    std::vector<int> targets_;
    Launch launch_;
    std::vector<std::string> arguments_;
    std::vector<std::string> environment_;
    BirthNote note_;
    std::vector<char*> argument_pointers_;
    std::vector<char*> environment_pointers_;
    ChildPlan plan_{};
};

std::string describe_exec_failure(int error_number, bool pinned) {
    std::string text = std::string("exec: ") + std::strerror(error_number);
    switch (error_number) {
        case ENOEXEC: return text + ": neither a program for this machine nor a script with #!";
        case ENOENT:
            return text + (pinned ? " (the program's loader: was it built for another system?)"
                                  : " (the file itself, or the interpreter that its first line names)");
        case ETXTBSY: return text + " (somebody still has it open for writing)";
        default: return text;
    }
}

// A child that did not become the worker has exited by itself.
void reap_failed_child(int pidfd) {
    siginfo_t info{};
    while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED) != 0 &&
           errno == EINTR) {
    }
}

struct Cloned {
    SpawnedProcess process;
    int error_number = 0;
};

Cloned clone_child(ChildPlan& plan) {
    Cloned cloned;
    const ChildStack stack;
    if (stack.top() == nullptr) {
        cloned.error_number = ENOMEM;
        return cloned;
    }
    const AllSignalsBlocked blocked;
    int pidfd = -1;
    const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
    cloned.process.pid = ::clone(run_child, stack.top(), flags, &plan, &pidfd);
    if (cloned.process.pid < 0) cloned.error_number = errno;
    cloned.process.pidfd = UniqueFd{pidfd};
    return cloned;
}

}  // namespace

Result<SpawnedProcess> spawn(const SpawnRequest& request) {
    const std::string worker = "worker " + request.arguments.at(0) + ": ";
    const UniqueFd input{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!input) return errno_error(worker + "/dev/null");

    Preparation preparation(request, request.standard_input.value_or(input.get()));
    const ChildPlan& plan = preparation.plan();
    Cloned cloned = clone_child(preparation.plan());
    if (cloned.error_number != 0) {
        Error error = errno_error(worker + "cannot start a process", cloned.error_number);
        error.message += limits_in_the_way(cloned.error_number);
        return error;
    }
    cloned.process.noted = plan.noted;
    if (plan.failed_step == nullptr) return std::move(cloned.process);
    reap_failed_child(cloned.process.pidfd.get());
    if (std::string_view{plan.failed_step} == "exec") {
        return Error{worker + describe_exec_failure(plan.error_number, request.executable.identity().pinned)};
    }
    return errno_error(worker + plan.failed_step, plan.error_number);
}

}  // namespace sup
