#include "master/process/process_status.h"

#include <charconv>
#include <sstream>
#include <string>
#include <string_view>

#include "master/process/proc_file.h"

namespace sup {
namespace {

std::string place(pid_t pid, const char* file) {
    return "/proc/" + std::to_string(pid) + file;
}

// What follows "NAME:" in a status file, up to the end of the line; empty: it is not there.
std::string_view field(std::string_view status, std::string_view name) {
    std::size_t at = 0;
    while (at < status.size()) {
        const std::string_view line = status.substr(at, status.find('\n', at) - at);
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
            return line.substr(name.size() + 1);
        at += line.size() + 1;
    }
    return {};
}

std::uint64_t signal_set(std::string_view status, std::string_view name) {
    std::string_view text = field(status, name);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    std::uint64_t set = 0;
    std::from_chars(text.data(), text.data() + text.size(), set, 16);
    return set;
}

}  // namespace

std::optional<ProcessStat> process_stat(pid_t pid) {
    if (pid <= 0) return std::nullopt;
    const auto text = read_proc_file(place(pid, "/stat"));
    if (!text) return std::nullopt;
    // The second field is a name in parentheses, which may itself hold anything (proc(5)).
    const std::size_t name_end = text->rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream fields{text->substr(name_end + 1)};
    ProcessStat stat;
    stat.pid = pid;
    char state = 0;
    fields >> state >> stat.parent >> stat.group >> stat.session;
    constexpr int session_field = 6;
    constexpr int start_time_field = 22;
    std::string skipped;
    for (int number = session_field + 1; number < start_time_field; ++number) fields >> skipped;
    if (!(fields >> stat.start_time)) return std::nullopt;
    stat.ended = state == 'Z' || state == 'X';
    return stat;
}

std::optional<pid_t> pid_in_own_namespace(pid_t pid) {
    const auto status = read_proc_file(place(pid, "/status"));
    if (!status) return std::nullopt;
    std::istringstream pids{std::string(field(*status, "NSpid"))};  // from ours down to its own
    std::optional<pid_t> last;
    for (pid_t one = 0; pids >> one;) last = one;
    return last;
}

std::optional<ProcessUsers> process_users(pid_t pid) {
    const auto status = read_proc_file(place(pid, "/status"));
    if (!status) return std::nullopt;
    std::istringstream ids{std::string(field(*status, "Uid"))};
    ProcessUsers users{};
    if (!(ids >> users.real >> users.effective >> users.saved)) return std::nullopt;
    return users;
}

std::optional<SignalSets> signal_sets(pid_t pid) {
    const auto status = read_proc_file(place(pid, "/status"));
    if (!status || field(*status, "SigCgt").empty()) return std::nullopt;
    return SignalSets{signal_set(*status, "SigBlk"), signal_set(*status, "SigIgn"),
                      signal_set(*status, "SigCgt")};
}

}  // namespace sup
