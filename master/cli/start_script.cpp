#include "master/cli/start_script.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "common/unique_fd.h"

namespace sup::cli {
namespace {

constexpr std::size_t most_bytes = std::size_t{64} * 1024;
constexpr std::array<std::string_view, 6> shells{"sh", "bash", "dash", "ash", "ksh", "zsh"};

bool is_shell(const std::string& path) {
    return std::ranges::find(shells, std::string_view(path).substr(path.rfind('/') + 1)) != shells.end();
}

// "#!/bin/sh -e", "#!/usr/bin/env bash"
bool is_for_a_shell(const std::string& first_line) {
    if (!first_line.starts_with("#!")) return false;
    std::istringstream words{first_line.substr(2)};
    std::string word;
    words >> word;
    if (word.ends_with("/env")) words >> word;
    return is_shell(word);
}

// A descriptor is moved by exec, too ("exec 2>&1"), and the shell stays.
bool becomes_another(const std::string& word_after_exec) {
    return !word_after_exec.empty() && word_after_exec.find_first_of("<>") == std::string::npos;
}

std::string beginning_of(const std::string& path) {
    // O_NONBLOCK, and only a regular file: opening a FIFO would block, a device might act.
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (!file) return {};
    std::string text(most_bytes, '\0');
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
}

}  // namespace

bool keeps_shell_in_between(std::string_view script) {
    std::istringstream lines{std::string(script)};
    std::string line;
    if (!std::getline(lines, line) || !is_for_a_shell(line)) return false;
    bool runs_something = false;
    while (std::getline(lines, line)) {
        std::istringstream words{line.substr(0, line.find('#'))};
        for (std::string word; words >> word;) {
            runs_something = true;
            if (word == "trap") return false;
            if (word != "exec") continue;
            std::string next;
            words >> next;
            if (becomes_another(next)) return false;
        }
    }
    return runs_something;
}

std::optional<std::string> note_on_start_script(const config::Worker& worker) {
    if (!worker.program.starts_with('/') || !keeps_shell_in_between(beginning_of(worker.program)))
        return std::nullopt;
    return worker.program +
           " is a shell script without exec: the shell stays, as the worker's main process. The drain signal "
           "goes to the server only if the server says READY=1 (see drain.to); start it with exec instead";
}

}  // namespace sup::cli
