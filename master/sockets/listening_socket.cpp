#include "master/sockets/listening_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "config/address.h"
#include "master/sockets/inet_socket.h"
#include "master/sockets/socket_cloak.h"
#include "master/sockets/socket_owner.h"

namespace sup {
namespace {

bool is_stream(const config::Listen& wanted) {
    return wanted.address.transport == config::Transport::stream;
}

Status bind_abstract(int fd, const config::Listen& wanted) {
    const std::string& name = wanted.address.unix_domain()->name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0) return Success{};
    if (errno != EADDRINUSE) return errno_error("cannot be bound");
    return Error{"is in use by " + describe(find_socket_owners(wanted.address))};
}

// A socket, and its file where it has one, which is not at its path yet.
struct Bound {
    UniqueFd fd;
    std::optional<SocketFile> file;
};

Result<Bound> bind_unix_socket(const config::Listen& wanted) {
    Bound bound;
    bound.fd = UniqueFd{::socket(AF_UNIX, (is_stream(wanted) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0)};
    if (!bound.fd) return errno_error("cannot be bound");
    const std::string* path = wanted.address.path();
    if (path == nullptr) {
        if (Status done = bind_abstract(bound.fd.get(), wanted); !done) return done.error();
        return bound;
    }
    auto file = SocketFile::bind(bound.fd.get(), *path, wanted.address.transport);
    if (!file) return file.error();
    bound.file.emplace(std::move(*file));
    return bound;
}

Result<Bound> bind_socket(const config::Listen& wanted) {
    if (wanted.address.inet() != nullptr) {
        auto fd = bind_inet_socket(wanted, Sharing::alone);
        if (!fd) return fd.error();
        return Bound{std::move(*fd), std::nullopt};
    }
    auto bound = bind_unix_socket(wanted);
    if (!bound) return listener_error(wanted, bound.error().message);
    return bound;
}

Status set_real_port(config::Address& address, int fd) {
    auto* inet = std::get_if<config::InetAddress>(&address.place);
    if (inet == nullptr) return Success{};
    const auto port = bound_port(fd);
    if (!port) return Error{"has no port: " + port.error().message};
    inet->port = *port;
    return Success{};
}

}  // namespace

ListeningSocket::ListeningSocket(UniqueFd fd, const config::Address& configured,
                                 std::optional<SocketFile> file)
    : fd_(std::move(fd)), configured_(configured), bound_(configured), file_(std::move(file)) {}

Result<std::shared_ptr<const ListeningSocket>> ListeningSocket::bind(const config::Listen& wanted,
                                                                     const SocketAccess& access) {
    auto bound = bind_socket(wanted);
    if (!bound) return bound.error();
    return make_ready(std::shared_ptr<ListeningSocket>(
                          new ListeningSocket(std::move(bound->fd), wanted.address, std::move(bound->file))),
                      wanted, access);
}

Result<std::shared_ptr<const ListeningSocket>> ListeningSocket::bind_beside_held(
    const config::Listen& wanted, const std::vector<std::shared_ptr<const ListeningSocket>>& held) {
    const bool datagram = wanted.address.transport == config::Transport::datagram;
    std::vector<int> own;
    for (const auto& socket : held) {
        own.push_back(socket->fd());
        // Or the kernel would spread datagrams over both.
        if (!socket->shut_down()) continue;
        if (Status hidden = socket->hide(); !hidden) return listener_error(wanted, hidden.error().message);
    }
    auto fd = bind_inet_socket_beside(wanted, own);
    if (!fd) return fd.error();
    std::shared_ptr<ListeningSocket> socket(
        new ListeningSocket(std::move(*fd), wanted.address, std::nullopt));
    const bool takes = std::ranges::any_of(
        held, [&](const auto& other) { return !other->shut_down() && socket->takes_clients_of(*other); });
    // UDP sockets form their group when they are bound, and hidden ones would not be in that of others.
    if (takes && may_show_sockets() && !(datagram && wanted.reuseport)) {
        if (Status hidden = socket->hide(); !hidden) return listener_error(wanted, hidden.error().message);
    }
    return make_ready(std::move(socket), wanted, {});
}

// The first socket may be one that was bound when there was no `reuseport` yet: setting the option is enough.
Result<std::shared_ptr<const ListeningSocket>> ListeningSocket::bind_beside(const config::Listen& wanted,
                                                                            const ListeningSocket& first) {
    const int on = 1;
    if (::setsockopt(first.fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
        return listener_error(wanted, errno_error("SO_REUSEPORT").message);
    }
    config::Listen same = wanted;
    same.address = first.bound();
    auto fd = bind_inet_socket(same, Sharing::join);
    if (!fd) return fd.error();
    std::shared_ptr<ListeningSocket> socket(
        new ListeningSocket(std::move(*fd), first.configured(), std::nullopt));
    // Sockets of one group are alike in this.
    if (first.hidden()) {
        if (Status hidden = socket->hide(); !hidden) return listener_error(wanted, hidden.error().message);
    }
    return make_ready(std::move(socket), wanted, {});
}

Result<std::shared_ptr<const ListeningSocket>> ListeningSocket::make_ready(
    std::shared_ptr<ListeningSocket> socket, const config::Listen& wanted, const SocketAccess& access) {
    Status ready = set_real_port(socket->bound_, socket->fd());
    if (ready) ready = socket->configure(wanted, access);
    // Last: whoever finds the path finds a socket that listens.
    if (ready && socket->file_) ready = socket->file_->publish();
    if (!ready) return listener_error(wanted, ready.error().message);
    return std::shared_ptr<const ListeningSocket>(std::move(socket));
}

namespace {

// What accepted connections inherit, and what the kernel does before there is one (tcp(7)).
struct TcpOption {
    int number;
    const char* key;
    std::optional<int> (*wanted)(const config::Listen& settings);
};

std::optional<int> seconds(const std::optional<Duration>& duration) {
    if (!duration) return std::nullopt;
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(*duration).count());
}

constexpr std::array tcp_options{
    TcpOption{TCP_NODELAY, "tcp_nodelay",
              [](const config::Listen& l) { return std::optional<int>(l.tcp_nodelay); }},
    TcpOption{TCP_FASTOPEN, "fastopen", [](const config::Listen& l) { return l.fastopen; }},
    TcpOption{TCP_DEFER_ACCEPT, "defer_accept",
              [](const config::Listen& l) { return seconds(l.defer_accept); }},
};

}  // namespace

Status ListeningSocket::set_tcp_options(const config::Listen& settings, bool unset_others) const {
    static_assert(std::tuple_size_v<decltype(tcp_options_)> == tcp_options.size());
    for (std::size_t i = 0; i < tcp_options.size(); ++i) {
        const TcpOption& option = tcp_options[i];
        const auto wanted = option.wanted(settings);
        if (!wanted && !unset_others) continue;
        int now = 0;
        socklen_t size = sizeof now;
        ::getsockopt(fd(), IPPROTO_TCP, option.number, &now, &size);
        const int value = tcp_options_[i].next(wanted, now);
        if (value != now && ::setsockopt(fd(), IPPROTO_TCP, option.number, &value, sizeof value) != 0)
            return errno_error(option.key);
    }
    return Success{};
}

Status ListeningSocket::apply(const config::Listen& settings, const SocketAccess& access) const {
    if (Status configured = configure(settings, access); !configured) return configured;
    if (!hidden_) return Success{};
    if (Status shown = show_socket(fd()); !shown) return shown;
    hidden_ = false;
    return Success{};
}

Status ListeningSocket::configure(const config::Listen& settings, const SocketAccess& access) const {
    if (Status restored = restore(settings); !restored) return restored;
    if (Status set = set_tcp_options(settings, true); !set) return set;
    return file_ ? file_->set_access(access) : Success{};
}

Status ListeningSocket::hide() const {
    Status hidden = hide_socket(fd());
    hidden_ = hidden_ || hidden.ok();
    return hidden;
}

namespace {

// The kernel gives a client to the socket whose address says most; 0.0.0.0 says more than "*", and of "::"
// and "*" either may get an IPv6 client.
int precision(const config::InetAddress& address) {
    if (address.host == "*" || address.host == "::") return 1;
    return address.host == "0.0.0.0" ? 2 : 3;
}

}  // namespace

bool ListeningSocket::takes_clients_of(const ListeningSocket& other) const {
    const auto* own = bound_.inet();
    const auto* theirs = other.bound_.inet();
    return own != nullptr && theirs != nullptr && config::overlap(bound_, other.bound_) &&
           precision(*own) >= precision(*theirs);
}

Status ListeningSocket::restore(const config::Listen& settings) const {
    if (can_listen_again() && fd_ && shut_down()) {
        if (Status again = listen_again(fd(), settings, bound_); !again) return again;
    }
    if (is_stream(settings) && ::listen(fd(), settings.backlog) != 0) return errno_error("listen");
    if (Status set = set_tcp_options(settings, false); !set) return set;
    return settings.nonblock ? set_nonblock(true) : Success{};
}

bool ListeningSocket::has_reuseport() const {
    int value = 0;
    socklen_t size = sizeof value;
    return bound_.inet() != nullptr && ::getsockopt(fd(), SOL_SOCKET, SO_REUSEPORT, &value, &size) == 0 &&
           value != 0;
}

std::optional<SocketQueue> ListeningSocket::queue() const {
    return fd_ ? queue_of(fd(), bound_) : std::nullopt;
}

std::size_t ListeningSocket::queued() const {
    if (bound_.inet() == nullptr || bound_.transport != config::Transport::stream) return 0;
    const auto waiting = queue();
    return waiting ? waiting->length : 0;
}

bool ListeningSocket::nonblock_now() const {
    const int flags = ::fcntl(fd(), F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

Status ListeningSocket::set_nonblock(bool nonblock) const {
    const int flags = ::fcntl(fd(), F_GETFL);
    if (flags < 0) return errno_error("F_GETFL");
    const int wanted = nonblock ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (wanted != flags && ::fcntl(fd(), F_SETFL, wanted) != 0) return errno_error("F_SETFL");
    return Success{};
}

}  // namespace sup
