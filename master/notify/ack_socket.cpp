#include "master/notify/ack_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "master/notify/ack_message.h"
#include "master/notify/private_socket.h"

namespace sup {
namespace {

constexpr std::size_t longest_line = std::size_t{4} * 1024;
// A worker needs one.
constexpr std::size_t most_connections = 8;
// More than the kernel queues: whoever connects without end must not keep us here.
constexpr int most_accepts_a_drain = 64;
constexpr Duration retry_delay{100};

Sender peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    const bool known = ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0;
    return known ? Sender{credentials.pid, credentials.uid} : Sender{};
}

}  // namespace

AckSocket::AckSocket(uv_loop_t* loop, UniqueFd fd, std::string path, Callbacks callbacks)
    : loop_(loop),
      fd_(std::move(fd)),
      path_(std::move(path)),
      callbacks_(std::move(callbacks)),
      retry_(loop, [this] { poll_->start(); }) {}

Result<std::unique_ptr<AckSocket>> AckSocket::open(uv_loop_t* loop, const std::string& path,
                                                   std::optional<Owner> owner, Callbacks callbacks) {
    auto fd = bind_private_socket("ack socket", path, SOCK_STREAM, owner);
    if (!fd) return fd.error();
    // From here on its destructor removes the file.
    std::unique_ptr<AckSocket> socket{new AckSocket(loop, std::move(*fd), path, std::move(callbacks))};
    if (::listen(socket->fd_.get(), most_connections) != 0) {
        return errno_error("ack socket " + path + ": listen");
    }
    auto poll =
        PacedPoll::create(loop, socket->fd_.get(), [raw = socket.get()] { return raw->accept_one(); });
    if (!poll) return poll.error();
    socket->poll_ = std::move(*poll);
    return socket;
}

AckSocket::~AckSocket() {
    ::unlink(path_.c_str());
}

void AckSocket::drain() {
    std::vector<Connection*> open;
    for (Connection& connection : connections_) open.push_back(&connection);
    for (Connection* connection : open) read(*connection);
    for (int i = 0; i < most_accepts_a_drain && accept_one(); ++i) {
    }
}

// False: nobody waits, or there is no descriptor to accept with.
bool AckSocket::accept_one() {
    UniqueFd fd{::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (fd) {
        adopt(std::move(fd));
        return true;
    }
    if (errno == EINTR || errno == ECONNABORTED) return true;
    if (errno == EAGAIN) return false;
    // No descriptor is free: those that wait keep waiting.
    poll_->stop();
    retry_.arm(retry_delay);
    return false;
}

// What it has sent already is read at once, so that nobody's ack is lost with his connection.
void AckSocket::adopt(UniqueFd fd) {
    const Sender peer = peer_of(fd.get());
    const bool heard = hearing_ != nullptr && hearing_->hears(peer);
    Connection& connection = connections_.emplace_back(Connection{std::move(fd), peer, heard, {}, {}});
    auto poll =
        PacedPoll::create(loop_, connection.fd.get(), [this, &connection] { return read_one(connection); });
    if (!poll) return connections_.pop_back();
    connection.poll = std::move(*poll);
    read(connection);
    if (connections_.size() > most_connections) make_room();
}

// Clients that connect and say nothing must not keep the worker out: the oldest stranger is dropped, or else
// the oldest of its other processes, or else the oldest.
void AckSocket::make_room() {
    auto least = std::ranges::find(connections_, false, &Connection::heard);
    if (least == connections_.end())
        least = std::ranges::find_if(connections_, [&](const auto& one) { return one.peer.pid != worker_; });
    connections_.erase(least != connections_.end() ? least : connections_.begin());
}

void AckSocket::read(Connection& connection) {
    while (read_one(connection)) {
    }
}

// False: there is nothing now, or the connection has been closed.
bool AckSocket::read_one(Connection& connection) {
    std::array<char, 1024> buffer{};
    const ssize_t size = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) return true;
    if (size < 0 && errno == EAGAIN) return false;
    if (size > 0) {
        connection.received.append(buffer.data(), static_cast<std::size_t>(size));
        const std::size_t end = connection.received.find('\n');
        if (end == std::string::npos && connection.received.size() < longest_line) return true;
        interpret(connection, std::string_view(connection.received).substr(0, end));
    }
    close(connection);
    return false;
}

void AckSocket::interpret(const Connection& connection, std::string_view line) {
    const std::optional<pid_t> claimed = parse_ack(line);
    if (!claimed) {
        return complain(R"(what it wrote to EINHORN_SOCK_PATH is not {"command":"worker:ack","pid":N})");
    }
    if (connection.heard && may_be_acknowledged(*claimed)) return callbacks_.acknowledged();
    complain(describe(connection.peer) + " acknowledged the start of process " + std::to_string(*claimed) +
             "; only the worker's own processes may, and only for themselves");
}

bool AckSocket::may_be_acknowledged(pid_t claimed) const {
    return claimed == worker_ || hearing_->is_its_own(claimed);
}

void AckSocket::complain(const std::string& what) {
    if (!std::exchange(complained_, true)) callbacks_.trouble(what);
}

void AckSocket::close(const Connection& connection) {
    connections_.remove_if([&](const Connection& other) { return &other == &connection; });
}

}  // namespace sup
