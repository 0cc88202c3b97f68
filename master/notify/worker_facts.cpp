#include "master/notify/worker_facts.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace sup {
namespace {

struct BoundAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    explicit BoundAddress(int fd) { ::getsockname(fd, get(), &size); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

void add_unix(sockaddr_storage& storage, std::size_t size, const Listener& listener, ListenerFacts& facts) {
    sockaddr_un address{};
    std::memcpy(&address, &storage, sizeof address);
    const std::size_t length = size - std::min(size, offsetof(sockaddr_un, sun_path));
    std::string path(address.sun_path, std::min(length, sizeof address.sun_path));
    if (path.starts_with('\0')) {
        path.front() = '@';  // an abstract name, as everybody writes it
    } else {
        path.resize(std::min(path.find('\0'), path.size()));
    }
    facts.kind = ListenerFacts::Kind::unix_socket;
    facts.words["family"] = "AF_UNIX";
    facts.words["address"] = listener.address();
    facts.words["path"] = path;
    const std::string* public_path = listener.settings().address.path();
    facts.words["public_path"] = public_path != nullptr ? *public_path : path;
}

bool is_unspecified(const sockaddr_storage& storage) {
    if (storage.ss_family == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, &storage, sizeof address);
        return IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr);
    }
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    return address.sin_addr.s_addr == INADDR_ANY;
}

void add_inet(BoundAddress& address, ListenerFacts& facts) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    ::getnameinfo(address.get(), address.size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV);
    const bool six = address.storage.ss_family == AF_INET6;
    const std::string bracketed = six ? "[" + std::string(host.data()) + "]" : host.data();
    if (is_unspecified(address.storage)) facts.kind = ListenerFacts::Kind::any;
    facts.words["family"] = six ? "AF_INET6" : "AF_INET";
    facts.words["host"] = host.data();
    facts.words["port"] = port.data();
    facts.words["address"] = bracketed + ":" + port.data();
}

}  // namespace

ListenerFacts listener_facts(const Listener& listener, int fd) {
    ListenerFacts facts;
    facts.name = listener.name();
    facts.words["name"] = listener.name();
    facts.words["fd"] = std::to_string(fd);
    BoundAddress address(listener.fd());
    if (address.storage.ss_family == AF_UNIX) {
        add_unix(address.storage, address.size, listener, facts);
    } else {
        add_inet(address, facts);
    }
    return facts;
}

std::string expand(const config::Template& text, const WorkerFacts& facts, const ListenerFacts* current) {
    std::string expanded;
    for (const config::Piece& piece : text.pieces()) {
        if (const auto* literal = std::get_if<std::string>(&piece)) {
            expanded += *literal;
            continue;
        }
        const auto& [word, listener, at] = std::get<config::Placeholder>(piece);
        if (!listener.empty()) {
            expanded += std::ranges::find(facts.listeners, listener, &ListenerFacts::name)->words.at(word);
        } else if (current != nullptr && current->words.contains(word)) {
            expanded += current->words.at(word);
        } else {
            expanded += facts.words.at(word);
        }
    }
    return expanded;
}

}  // namespace sup
