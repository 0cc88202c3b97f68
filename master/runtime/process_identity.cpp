#include "master/runtime/process_identity.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sstream>

#include "master/runtime/file.h"

namespace sup {
namespace {

constexpr int start_time_field = 22;
constexpr int state_field = 3;

}  // namespace

std::optional<ProcessIdentity> identify_process(pid_t pid) {
    if (pid <= 0) return std::nullopt;
    const auto stat = read_small_file("/proc/" + std::to_string(pid) + "/stat");
    if (!stat || !*stat) return std::nullopt;
    // The second field is the command's name in parentheses, and may itself hold spaces and parentheses
    // (proc(5)).
    const auto after_name = (*stat)->rfind(')');
    if (after_name == std::string::npos) return std::nullopt;
    std::istringstream fields{(*stat)->substr(after_name + 1)};
    char state = 0;
    fields >> state;
    if (state == 'Z' || state == 'X') return std::nullopt;
    std::string skipped;
    for (int field = state_field + 1; field < start_time_field; ++field) fields >> skipped;
    ProcessIdentity process{pid, 0};
    if (!(fields >> process.start_time)) return std::nullopt;
    return process;
}

UniqueFd open_process(const ProcessIdentity& process) {
    UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))};
    // Opened first, looked at then: if it is still the one, the descriptor means it, whatever becomes of the
    // number.
    if (!pidfd || identify_process(process.pid) != process) return UniqueFd{};
    return pidfd;
}

bool signal_process(int pidfd, int signal) {
    return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
}

std::string boot_id() {
    const auto id = read_small_file("/proc/sys/kernel/random/boot_id");
    if (!id || !*id) return {};
    return (*id)->substr(0, (*id)->find('\n'));
}

}  // namespace sup
