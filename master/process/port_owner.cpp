#include "master/process/port_owner.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <set>

#include "common/tcp_table.h"
#include "config/address.h"
#include "master/process/process_info.h"

namespace sup {
namespace {

// What the table shows as "::" may be IPv6 alone or both, so it counts as both.
bool may_keep(const TcpListener& listener, const config::TcpAddress& address) {
    return config::overlap(address, {listener.host == "::" ? "*" : listener.host, listener.port});
}

std::set<std::string> links_of_listeners(const config::TcpAddress& address) {
    std::set<std::string> links;
    for (const TcpListener& listener : listening_tcp_sockets()) {
        if (may_keep(listener, address)) links.insert("socket:[" + std::to_string(listener.inode) + "]");
    }
    return links;
}

std::vector<std::string> entries(const std::string& directory) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> open{::opendir(directory.c_str()), ::closedir};
    if (!open) return names;
    while (const dirent* entry = ::readdir(open.get())) names.emplace_back(entry->d_name);
    return names;
}

bool holds_one_of(const std::string& descriptors, const std::set<std::string>& links) {
    const auto names = entries(descriptors);
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        std::array<char, 64> target{};
        const ssize_t size = ::readlink((descriptors + "/" + name).c_str(), target.data(), target.size());
        return size > 0 && links.count(std::string(target.data(), static_cast<std::size_t>(size))) != 0;
    });
}

}  // namespace

std::vector<PortOwner> find_port_owners(const config::TcpAddress& address) {
    const auto links = links_of_listeners(address);
    std::vector<PortOwner> owners;
    if (links.empty()) return owners;
    for (const std::string& name : entries("/proc")) {
        pid_t pid = 0;
        const auto [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (problem != std::errc{} || rest != name.data() + name.size()) continue;
        if (holds_one_of("/proc/" + name + "/fd", links)) owners.push_back({pid, process_command(pid)});
    }
    std::sort(owners.begin(), owners.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
    return owners;
}

}  // namespace sup
