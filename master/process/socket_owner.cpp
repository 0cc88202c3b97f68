#include "master/process/socket_owner.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <set>

#include "common/socket_table.h"
#include "config/address.h"
#include "master/process/process_info.h"
#include "master/process/safe_text.h"

namespace sup {
namespace {

// What the table shows as "::" may be IPv6 alone or both, so it counts as both.
bool may_keep(const BoundSocket& socket, const config::Address& address) {
    const std::string host = socket.host == "::" ? "*" : socket.host;
    return config::overlap(address, {address.transport, config::InetAddress{host, socket.port}});
}

std::vector<std::uint64_t> inodes_in_the_way(const config::Address& address) {
    if (const auto* name = address.unix_domain()) return unix_sockets_named(name->name);
    const bool tcp = address.transport == config::Transport::stream;
    std::vector<std::uint64_t> inodes;
    for (const BoundSocket& socket : tcp ? listening_tcp_sockets() : bound_udp_sockets()) {
        if (may_keep(socket, address)) inodes.push_back(socket.inode);
    }
    return inodes;
}

// As /proc/PID/fd shows them.
std::set<std::string> links_of_sockets(const config::Address& address) {
    std::set<std::string> links;
    for (const std::uint64_t inode : inodes_in_the_way(address)) {
        links.insert("socket:[" + std::to_string(inode) + "]");
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

std::vector<SocketOwner> find_socket_owners(const config::Address& address) {
    const auto links = links_of_sockets(address);
    std::vector<SocketOwner> owners;
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

std::string describe(const std::vector<SocketOwner>& owners) {
    if (owners.empty()) return "another process (only root can see which)";
    const SocketOwner& first = owners.front();
    std::string text = "pid " + std::to_string(first.pid);
    if (!first.command.empty()) text += " (" + safe_text(first.command, 64) + ")";
    if (owners.size() > 1) text += " and " + std::to_string(owners.size() - 1) + " more";
    return text;
}

}  // namespace sup
