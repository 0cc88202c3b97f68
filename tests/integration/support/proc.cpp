#include <signal.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "tests/integration/support/process.h"
#include "tests/integration/support/temp_dir.h"

namespace sup::test::proc {

namespace fs = std::filesystem;

namespace {

fs::path folder(pid_t pid) {
    return fs::path("/proc") / std::to_string(pid);
}

// The names in a folder that are numbers; nothing when the folder is gone, or goes while it is read.
std::vector<int> numbers_in(const fs::path& path) {
    std::vector<int> numbers;
    std::error_code gone;
    for (fs::directory_iterator entry(path, gone), end; !gone && entry != end; entry.increment(gone)) {
        const std::string name = entry->path().filename().string();
        int number = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
        if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) numbers.push_back(number);
    }
    return numbers;
}

// The rest of the line that starts with `start`.
std::string line_after(const fs::path& path, const std::string& start) {
    std::istringstream text(read_file(path));
    for (std::string line; std::getline(text, line);) {
        if (!line.starts_with(start)) continue;
        const auto value = line.find_first_not_of(" \t", start.size());
        return value == std::string::npos ? "" : line.substr(value);
    }
    return "";
}

}  // namespace

std::optional<Stat> stat(pid_t pid) {
    const std::string text = read_file(folder(pid) / "stat");
    const auto open = text.find('(');
    const auto close = text.rfind(')');  // the command may hold anything
    if (open == std::string::npos || close == std::string::npos) return std::nullopt;
    Stat result;
    result.command = text.substr(open + 1, close - open - 1);
    std::istringstream rest(text.substr(close + 1));
    rest >> result.state >> result.parent >> result.group;
    return result;
}

bool alive(pid_t pid) {
    const auto now = stat(pid);
    return now && now->state != 'Z' && now->state != 'X';
}

std::vector<pid_t> all() {
    return numbers_in("/proc");
}

std::vector<pid_t> children(pid_t parent) {
    std::vector<pid_t> found;
    for (const pid_t pid : all()) {
        const auto now = stat(pid);
        if (now && now->parent == parent) found.push_back(pid);
    }
    return found;
}

std::vector<std::string> environment(pid_t pid) {
    std::vector<std::string> entries;
    std::istringstream text(read_file(folder(pid) / "environ"));
    for (std::string entry; std::getline(text, entry, '\0');) entries.push_back(entry);
    return entries;
}

std::optional<std::string> variable(pid_t pid, const std::string& name) {
    for (const auto& entry : environment(pid)) {
        if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
    }
    return std::nullopt;
}

std::set<int> descriptors(pid_t pid) {
    const auto numbers = numbers_in(folder(pid) / "fd");
    return {numbers.begin(), numbers.end()};
}

std::string link(pid_t pid, const std::string& name) {
    std::error_code gone;
    return fs::read_symlink(folder(pid) / name, gone).string();
}

std::string status_field(pid_t pid, const std::string& name) {
    return line_after(folder(pid) / "status", name + ":");
}

std::string limit(pid_t pid, const std::string& name) {
    const std::string values = line_after(folder(pid) / "limits", name);
    return values.substr(0, values.find(' '));
}

std::size_t threads(pid_t pid) {
    return numbers_in(folder(pid) / "task").size();
}

long memory_kib(pid_t pid, const std::string& kind) {
    return std::atol(line_after(folder(pid) / "smaps_rollup", kind + ":").c_str());
}

}  // namespace sup::test::proc
