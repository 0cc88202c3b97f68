#include "master/control/server.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/control/connection.h"
#include "master/control/protocol.h"
#include "master/control/socket_address.h"

namespace sup::control {
namespace {

constexpr int accept_queue = 128;
constexpr Duration farewell{500};

// Bound and listening under a name of its own first, and then renamed: at no moment is there a socket that
// does not answer, or one with a wider mode.
Result<UniqueFd> bind_listener(const std::string& path) {
    const std::string draft = path.substr(0, path.rfind('/')) + "/control.new";
    const auto address = SocketAddress::create(draft);
    if (!address) return address.error();
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return errno_error("cannot create the control socket");
    ::unlink(draft.c_str());
    // The mode of the socket before bind() is that of the file which bind() makes, less the umask.
    if (::fchmod(socket.get(), 0600) != 0 || ::bind(socket.get(), address->get(), address->size()) != 0 ||
        ::listen(socket.get(), accept_queue) != 0 || ::rename(draft.c_str(), path.c_str()) != 0) {
        return errno_error("cannot bind the control socket " + path);
    }
    return socket;
}

bool may_call(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == 0 || peer.uid == ::geteuid();
}

void refuse(int socket, ErrorCode code, std::string_view why) {
    const std::string line = error_response("null", code, why);
    [[maybe_unused]] const auto ignored =
        ::send(socket, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// The kernel gives the lowest number that is free, so those in use are about as many.
bool in_lower_half(int descriptor) {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && static_cast<rlim_t>(descriptor) < limit.rlim_cur / 2;
}

}  // namespace

class ControlServer::Impl : public std::enable_shared_from_this<Impl> {
    struct FileIdentity {
        dev_t device = 0;
        ino_t inode = 0;
        friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
    };

public:
    Impl(uv_loop_t* loop, std::string path, UniqueFd listener, ControlHandler& handler, Limits limits)
        : loop_(loop),
          path_(std::move(path)),
          file_(file_at(path_)),
          listener_(std::move(listener)),
          spare_(open_spare()),
          handler_(handler),
          limits_(limits) {}

    Status start() {
        auto watch = uv::Poll::create(loop_, listener_.get(), [weak = weak_from_this()](int, int) {
            if (const auto self = weak.lock()) self->accept_all();
        });
        if (!watch) return watch.error();
        watch_ = std::move(*watch);
        watch_.start(UV_READABLE);
        return Success{};
    }

    Result<bool> restore() {
        if (!listener_ || file_at(path_) == file_) return false;
        auto listener = bind_listener(path_);
        if (!listener) return listener.error();
        accept_all();
        watch_ = {};
        listener_ = std::move(*listener);
        file_ = file_at(path_);
        if (auto started = start(); !started) return started.error();
        return true;
    }

    bool has_audience() const {
        const auto wants = [](const auto& connection) { return connection->wants_events(); };
        return std::any_of(connections_.begin(), connections_.end(), wants);
    }

    void broadcast(std::string_view event) {
        if (!has_audience()) return;
        const std::string line = event_notification(event);
        for (const auto& connection : connections_) {
            if (!connection->wants_events()) continue;
            if (connection->unread_bytes() > limits_.unread_bytes) {
                connection->drop();
            } else {
                connection->send(line);
            }
        }
        forget_ended();
    }

    void close(const Deadline& deadline) {
        if (!listener_) return;
        watch_ = {};
        listener_.reset();
        if (file_at(path_) == file_) ::unlink(path_.c_str());
        const auto leaving = std::exchange(connections_, {});
        for (const auto& connection : leaving) connection->flush(deadline);
        for (const auto& connection : leaving) connection->drop();
    }

private:
    static UniqueFd open_spare() { return UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }

    void accept_all() {
        if (!spare_) spare_ = open_spare();  // another process may have taken what was given up (ENFILE)
        while (true) {
            UniqueFd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
            if (socket) {
                admit(std::move(socket));
            } else if (errno == EMFILE || errno == ENFILE) {
                if (!turn_one_away()) return;
            } else if (errno != EINTR && errno != ECONNABORTED) {
                return;
            }
        }
    }

    // Without a free descriptor a client would stay in the queue, and the loop would wake for it again and
    // again.
    bool turn_one_away() {
        spare_.reset();
        UniqueFd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        const bool found = static_cast<bool>(socket);
        if (found) refuse(socket.get(), ErrorCode::too_many_clients, "the master has no free descriptor");
        socket.reset();
        spare_ = open_spare();
        return found;
    }

    void admit(UniqueFd socket) {
        if (!may_call(socket.get())) {
            return refuse(socket.get(), ErrorCode::not_permitted,
                          "only root and the master's own user are served");
        }
        const bool admitted = !full() || make_room();
        if (!listener_) return;  // closed by a request that make_room() took
        if (!admitted) {
            return refuse(socket.get(), ErrorCode::too_many_clients, "too many clients");
        }
        auto connection = Connection::create(
            loop_, std::move(socket),
            [weak = weak_from_this()](Connection& client, std::string_view line) {
                if (const auto self = weak.lock()) self->serve(client, line);
            },
            [weak = weak_from_this()](Connection&) {
                if (const auto self = weak.lock()) self->forget_ended();
            });
        if (connection) connections_.push_back(std::move(*connection));
    }

    std::size_t waiters() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(connections_, [](const auto& connection) { return connection->waits(); }));
    }

    bool full() const { return connections_.size() - waiters() >= limits_.clients; }

    bool may_wait(const Connection& client) const {
        if (client.waits()) return true;
        const std::size_t others = waiters();
        return others < limits_.clients || (others < limits_.waiters && in_lower_half(client.descriptor()));
    }

    // False when there is nobody who could make it.
    bool make_room() {
        // Who has already asked is answered, and who has gone is noticed, whatever the order in which epoll
        // tells of them.
        for (const auto& connection : std::vector(connections_)) {
            if (!connection->waits()) connection->look();
        }
        if (!full()) return true;
        const auto least =
            std::min_element(connections_.begin(), connections_.end(),
                             [](const auto& one, const auto& other) { return worth(*one) < worth(*other); });
        if (least == connections_.end() || (*least)->waits()) return false;
        (*least)->send(error_response("null", ErrorCode::too_many_clients,
                                      "too many clients: this connection made room for another"));
        (*least)->drop();
        forget_ended();
        return true;
    }

    // Of a connection's place; between equals the oldest goes.
    static int worth(const Connection& connection) {
        if (connection.waits()) return 3;
        if (connection.subscribed) return 2;
        return connection.unread_bytes() > 0 ? 1 : 0;  // an answer is on its way
    }

    void serve(Connection& client, std::string_view line) {
        const auto parsed = parse_request(line);
        if (const auto* refusal = std::get_if<Refusal>(&parsed)) {
            if (refusal->response) client.send(*refusal->response);
            return;
        }
        const auto& request = std::get<Request>(parsed);
        std::visit([&](const auto& call) { perform(client, request.id, call); }, request.call);
    }

    void perform(Connection& client, const std::optional<std::string>& id, StatusCall) {
        if (id) client.send(response(*id, handler_.status()));
    }
    void perform(Connection& client, const std::optional<std::string>& id, ReloadCall call) {
        const bool waits = !id || may_wait(client);
        handler_.reload(call.wait, reply_to(client, waits ? id : std::nullopt));
        if (waits) return;
        client.send(
            error_response(*id, ErrorCode::not_awaited, "too many clients are already waiting for one"));
    }
    void perform(Connection& client, const std::optional<std::string>& id, StopCall call) {
        handler_.stop(call.now, reply_to(client, id));
    }
    void perform(Connection& client, const std::optional<std::string>& id, SubscribeCall) {
        client.subscribed = true;
        if (id) client.send(response(*id, R"({"subscribed":true})"));
    }

    Reply reply_to(Connection& client, const std::optional<std::string>& id) {
        client.begin_call(id.has_value());
        return [server = weak_from_this(), weak = client.weak_from_this(), id,
                given = std::make_shared<bool>(false)](std::string_view result) {
            const auto connection = weak.lock();
            if (std::exchange(*given, true) || !connection) return;
            connection->end_call(id.has_value());
            if (id) connection->send(response(*id, result));
            if (const auto self = server.lock()) self->forget_ended();
        };
    }

    static FileIdentity file_at(const std::string& path) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) return {};
        return {status.st_dev, status.st_ino};
    }

    void forget_ended() {
        std::erase_if(connections_, [](const auto& connection) { return connection->ended(); });
    }

    uv_loop_t* loop_;
    std::string path_;
    FileIdentity file_;
    UniqueFd listener_;
    UniqueFd spare_;  // given up for a moment to turn a client away when there is no other
    uv::Poll watch_;
    ControlHandler& handler_;
    Limits limits_;
    std::vector<std::shared_ptr<Connection>> connections_;
};

Result<ControlServer> ControlServer::listen(uv_loop_t* loop, const std::string& path,
                                            ControlHandler& handler) {
    return listen(loop, path, handler, Limits{});
}

Result<ControlServer> ControlServer::listen(uv_loop_t* loop, const std::string& path, ControlHandler& handler,
                                            Limits limits) {
    auto listener = bind_listener(path);
    if (!listener) return listener.error();
    auto impl = std::make_shared<Impl>(loop, path, std::move(*listener), handler, limits);
    if (auto started = impl->start(); !started) return started.error();
    return ControlServer{std::move(impl)};
}

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::ControlServer(ControlServer&&) noexcept = default;

ControlServer& ControlServer::operator=(ControlServer&& other) noexcept {
    if (impl_) impl_->close(deadline_after(Duration{0}));
    impl_ = std::move(other.impl_);
    return *this;
}

ControlServer::~ControlServer() {
    if (impl_) impl_->close(deadline_after(Duration{0}));
}

void ControlServer::broadcast(std::string_view event) {
    impl_->broadcast(event);
}

bool ControlServer::has_audience() const {
    return impl_->has_audience();
}

Result<bool> ControlServer::restore() {
    return impl_->restore();
}

void ControlServer::close() {
    impl_->close(deadline_after(farewell));
}

}  // namespace sup::control
