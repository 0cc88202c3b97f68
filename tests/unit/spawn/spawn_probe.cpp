// Started by the tests in a worker's place. Prints one JSON object that says what it was started with.
//     spawn-probe report        everything below
//     spawn-probe tail N        the last N bytes of its own executable: tells copies with different endings
//     apart
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using nlohmann::json;

std::string link_of(const std::string& path) {
    std::array<char, 4096> target{};
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    return size < 0 ? std::string{} : std::string(target.data(), static_cast<std::size_t>(size));
}

json descriptors() {
    json found = json::object();
    DIR* directory = ::opendir("/proc/self/fd");
    while (const dirent* entry = ::readdir(directory)) {
        const std::string name = entry->d_name;
        if (name == "." || name == ".." || std::stoi(name) == ::dirfd(directory)) continue;
        const int fd = std::stoi(name);
        found[name] = {{"target", link_of("/proc/self/fd/" + name)},
                       {"close_on_exec", (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0},
                       {"nonblock", (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0}};
    }
    ::closedir(directory);
    return found;
}

json signal_sets() {
    json sets = json::object();
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);) {
        for (const char* key : {"SigBlk", "SigIgn", "SigPnd"}) {
            if (line.rfind(key, 0) == 0)
                sets[key] = std::stoull(line.substr(line.find('\t') + 1), nullptr, 16);
        }
    }
    return sets;
}

json environment() {
    json list = json::array();
    for (char** entry = environ; *entry != nullptr; ++entry) list.push_back(*entry);
    return list;
}

json report(int argc, char** argv) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const mode_t mask = ::umask(0);
    return {{"pid", ::getpid()},
            {"parent", ::getppid()},
            {"group", ::getpgrp()},
            {"session", ::getsid(0)},
            {"cwd", link_of("/proc/self/cwd")},
            {"executable", link_of("/proc/self/exe")},
            {"arguments", std::vector<std::string>(argv, argv + argc)},
            {"environment", environment()},
            {"descriptors", descriptors()},
            {"signals", signal_sets()},
            {"umask", mask},
            {"limit", {limit.rlim_cur, limit.rlim_max}}};
}

std::string tail(long size) {
    std::ifstream self{"/proc/self/exe", std::ios::binary};
    self.seekg(-size, std::ios::end);
    std::string bytes(static_cast<std::size_t>(size), '\0');
    self.read(bytes.data(), size);
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc >= 3 && std::string(argv[1]) == "tail") {
        std::cout << tail(std::atol(argv[2])) << std::endl;
        return 0;
    }
    std::cout << report(argc, argv).dump() << std::endl;
    return 0;
}
