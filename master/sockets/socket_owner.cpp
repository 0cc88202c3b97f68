#include "master/sockets/socket_owner.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <set>

#include "common/safe_text.h"
#include "common/socket_table.h"
#include "config/address.h"
#include "master/process/process_info.h"

namespace sup {
namespace {

// What the table shows as "::" may be IPv6 alone or both, so it counts as both.
bool may_keep(const BoundSocket& socket, const config::Address& address) {
    const std::string host = socket.host == "::" ? "*" : socket.host;
    return config::overlap(address, {address.transport, config::InetAddress{host, socket.port}});
}

bool keeps(const BoundSocket& socket, const config::Address& address) {
    return config::overlap(address, {address.transport, config::InetAddress{socket.host, socket.port}});
}

std::vector<std::uint64_t> inodes_in_the_way(const config::Address& address, decltype(may_keep) in_the_way) {
    if (const auto* name = address.unix_domain()) return unix_sockets_named(name->name);
    const bool tcp = address.transport == config::Transport::stream;
    std::vector<std::uint64_t> inodes;
    for (const BoundSocket& socket : tcp ? listening_tcp_sockets() : bound_udp_sockets()) {
        if (in_the_way(socket, address)) inodes.push_back(socket.inode);
    }
    return inodes;
}

// As /proc/PID/fd shows them.
std::set<std::string> links_of(const std::vector<std::uint64_t>& inodes) {
    std::set<std::string> links;
    for (const std::uint64_t inode : inodes) links.insert("socket:[" + std::to_string(inode) + "]");
    return links;
}

std::uint64_t inode_of(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

std::vector<std::uint64_t> without(std::vector<std::uint64_t> inodes, const std::vector<int>& own) {
    for (const int fd : own) std::erase(inodes, inode_of(fd));
    return inodes;
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
    return find_owners_of(inodes_in_the_way(address, may_keep));
}

std::vector<SocketOwner> find_other_socket_owners(const config::Address& address,
                                                  const std::vector<int>& own) {
    return find_owners_of(without(inodes_in_the_way(address, may_keep), own));
}

std::vector<std::uint64_t> find_others_that_share(const config::Address& address,
                                                  const std::vector<int>& own) {
    return without(inodes_in_the_way(address, keeps), own);
}

std::vector<SocketOwner> find_owners_of(const std::vector<std::uint64_t>& inodes) {
    const auto links = links_of(inodes);
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

std::vector<std::uint64_t> find_sockets_beside(const std::vector<int>& own) {
    std::vector<std::uint64_t> own_inodes;
    for (const int fd : own) own_inodes.push_back(inode_of(fd));
    std::vector<BoundSocket> all = listening_tcp_sockets();
    const auto ours = [&](const BoundSocket& socket) { return socket.inode == own_inodes.front(); };
    if (std::none_of(all.begin(), all.end(), ours)) all = bound_udp_sockets();
    const auto first = std::find_if(all.begin(), all.end(), ours);
    std::vector<std::uint64_t> others;
    if (first == all.end()) return others;
    for (const BoundSocket& socket : all) {
        const bool is_own = std::find(own_inodes.begin(), own_inodes.end(), socket.inode) != own_inodes.end();
        if (!is_own && socket.host == first->host && socket.port == first->port)
            others.push_back(socket.inode);
    }
    return others;
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
