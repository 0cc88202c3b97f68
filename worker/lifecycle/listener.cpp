#include "worker/lifecycle/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace sup::worker {
namespace {

constexpr int first_inherited = 3;  // SD_LISTEN_FDS_START
constexpr int backlog = 4096;       // the kernel caps it at net.core.somaxconn

int integer_option(int socket, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

struct AddressParts {
    std::string host;  // empty: any, IPv6 and IPv4
    std::string port;
};

// getaddrinfo(3) takes a port's lower 16 bits and asks no more.
bool is_port(const std::string& text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, port);
    return problem == std::errc{} && rest == end;
}

Result<AddressParts> split_address(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos || !is_port(address.substr(colon + 1))) {
        return Error{
            "cannot listen on \"" + address +
            "\": expected an address with a port, such as \"127.0.0.1:8080\", \"[::1]:80\" or \"*:80\""};
    }
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    return AddressParts{host == "*" ? "" : host, address.substr(colon + 1)};
}

using AddressInfo = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressInfo> resolve(const std::string& address) {
    const Result<AddressParts> parts = split_address(address);
    if (!parts) return parts.error();
    addrinfo hints{};
    hints.ai_family = parts->host.empty() ? AF_INET6 : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const char* host = parts->host.empty() ? nullptr : parts->host.c_str();
    const int problem = ::getaddrinfo(host, parts->port.c_str(), &hints, &found);
    if (problem != 0) return Error{"cannot listen on " + address + ": " + ::gai_strerror(problem)};
    return AddressInfo(found, &::freeaddrinfo);
}

}  // namespace

Result<std::vector<Listener>> inherited_listeners(const Environment& environment) {
    std::vector<Listener> listeners;
    for (int i = 0; i < environment.listen_fds; ++i) {
        const int fd = first_inherited + i;
        if (::fcntl(fd, F_GETFD) < 0) {
            return Error{"LISTEN_FDS promises " + std::to_string(environment.listen_fds) +
                         " descriptors, but " + std::to_string(fd) + " is not open"};
        }
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        Listener listener;
        listener.fd.reset(fd);
        const auto index = static_cast<std::size_t>(i);
        const bool named =
            index < environment.listen_names.size() && !environment.listen_names[index].empty();
        listener.name = named ? environment.listen_names[index] : "listen" + std::to_string(i);
        listener.address = local_address(fd);
        listener.stream =
            integer_option(fd, SO_TYPE) == SOCK_STREAM && integer_option(fd, SO_ACCEPTCONN) == 1;
        listeners.push_back(std::move(listener));
    }
    return listeners;
}

Result<Listener> listen_on(const std::string& address, std::string name) {
    const Result<AddressInfo> resolved = resolve(address);
    if (!resolved) return resolved.error();
    const addrinfo& info = **resolved;
    const std::string what = "cannot listen on " + address;
    UniqueFd fd(::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return errno_error(what);
    const int on = 1;
    const int off = 0;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.front() == '*') ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(fd.get(), info.ai_addr, info.ai_addrlen) != 0) return errno_error(what);
    if (::listen(fd.get(), backlog) != 0) return errno_error(what);
    Listener listener;
    listener.address = local_address(fd.get());
    listener.fd = std::move(fd);
    listener.name = std::move(name);
    listener.stream = true;
    return listener;
}

std::string local_address(int socket) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
    char text[INET6_ADDRSTRLEN] = {};
    if (storage.ss_family == AF_INET) {
        const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
        ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
        return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
    }
    if (storage.ss_family == AF_INET6) {
        const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
        ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
        return "[" + std::string(text) + "]:" + std::to_string(ntohs(address.sin6_port));
    }
    if (storage.ss_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path)) {
        const auto& address = reinterpret_cast<const sockaddr_un&>(storage);
        std::string_view path(address.sun_path, size - offsetof(sockaddr_un, sun_path));
        if (path.front() == '\0') return "unix:@" + std::string(path.substr(1));
        return "unix:" + std::string(path.substr(0, path.find('\0')));
    }
    return {};
}

}  // namespace sup::worker
