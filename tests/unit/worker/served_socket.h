// The HTTP server without a worker's life: the test gives it connected sockets, holds their other ends, and
// turns the loop itself, so that it sees whether the loop sleeps.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/unique_fd.h"
#include "worker/http/server_core.h"
#include "worker/lifecycle/core.h"

namespace sup::test {

enum class SocketKind { tcp, unix_stream };

struct SocketEnds {
    UniqueFd server;
    UniqueFd client;
};

SocketEnds connected(SocketKind kind);

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// The client's end, non-blocking.
class Peer {
public:
    explicit Peer(UniqueFd socket) : socket_(std::move(socket)) {}

    int fd() const { return socket_.get(); }
    std::size_t send(std::string_view bytes) {
        const ssize_t count = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    void end_sending() { ::shutdown(fd(), SHUT_WR); }
    void close() { socket_.reset(); }
    // Reads what is there, up to `most` bytes.
    void read(std::size_t most = std::string::npos);
    const std::string& received() const { return received_; }
    // The server's side has ended, in order or by a reset.
    bool ended() const { return ended_ || reset_; }
    bool was_reset() const { return reset_; }

private:
    UniqueFd socket_;
    std::string received_;
    bool ended_ = false;
    bool reset_ = false;
};

class SocketServer {
public:
    explicit SocketServer(http::Handler handler, http::Options options = {})
        : core_(alone()),
          server_(std::make_shared<http::ServerCore>(core_, std::move(handler), std::move(options))) {}
    ~SocketServer() {
        clock_ = {};
        server_->end();
        turn();
    }
    SocketServer(const SocketServer&) = delete;
    SocketServer& operator=(const SocketServer&) = delete;

    uv_loop_t* loop() { return core_.loop(); }
    worker::Core& worker() { return core_; }
    http::ServerCore& server() { return *server_; }
    void drain() { core_.drain_from_any_thread(); }

    void take(UniqueFd socket, worker::From from = worker::From::listener) {
        server_->take(std::move(socket), {.listener = listener_, .from = from});
    }
    std::size_t waiting_bytes() { return server_->context().output_budget.used(); }

    // A new connection; small buffers fill soon.
    Peer connect(SocketKind kind) {
        SocketEnds ends = connected(kind);
        take(std::move(ends.server));
        return Peer(std::move(ends.client));
    }

    void turn() { uv_run(loop(), UV_RUN_NOWAIT); }
    // Turns the loop until the condition holds; false when it did not in half a minute.
    template <typename Condition>
    bool until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            turn_at_most(std::chrono::milliseconds(2));
        }
        return true;
    }
    // How often the loop wakes in that time; where nothing happens, once: for the end of it.
    int wakes_in(std::chrono::milliseconds time) {
        rung_ = false;
        clock_.arm(time);
        int wakes = 0;
        for (; !rung_; ++wakes) uv_run(loop(), UV_RUN_ONCE);
        clock_.cancel();
        return wakes;
    }
    // What is under way may come to its end first; then nothing wakes it but the end of the time, which libuv
    // may round down once. Two times, for a busy machine may let the time pass at once.
    bool sleeps() {
        int quiet = 0;
        for (int round = 0; round < 500 && quiet < 2; ++round) {
            quiet = wakes_in(std::chrono::milliseconds(4)) <= 2 ? quiet + 1 : 0;
        }
        return quiet == 2;
    }
    bool empty() const { return server_->open_connections() == 0; }

private:
    static worker::Options alone() {
        worker::Options options;
        options.handle_signals = false;
        return options;
    }
    void turn_at_most(std::chrono::milliseconds time) {
        clock_.arm(time);
        uv_run(loop(), UV_RUN_ONCE);
        clock_.cancel();
    }

    const std::string listener_ = "http";
    worker::Core core_;
    std::shared_ptr<http::ServerCore> server_;
    // It goes on until it is cancelled: uv_run(UV_RUN_ONCE) of libuv before 1.45 calls a timer that is due
    // first, and then waits in poll without end where there is none left.
    uv::Timer clock_{core_.loop(), [this] {
                         rung_ = true;
                         clock_.arm(std::chrono::milliseconds(1));
                     }};
    bool rung_ = false;
};

inline SocketEnds connected(SocketKind kind) {
    SocketEnds ends;
    const int flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (kind == SocketKind::unix_stream) {
        std::array<int, 2> pair{-1, -1};
        ::socketpair(AF_UNIX, flags, 0, pair.data());
        ends.server.reset(pair[0]);
        ends.client.reset(pair[1]);
    } else {
        const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        socklen_t size = sizeof address;
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size);
        ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
        const int small = 16 * 1024;
        ::setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        ::listen(listener.get(), 1);
        ends.client.reset(::socket(AF_INET, flags, 0));
        ::setsockopt(ends.client.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        ::connect(ends.client.get(), reinterpret_cast<const sockaddr*>(&address), size);
        pollfd wait{listener.get(), POLLIN, 0};
        ::poll(&wait, 1, 30'000);
        ends.server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    }
    const int small = 16 * 1024;
    ::setsockopt(ends.server.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    return ends;
}

inline void Peer::read(std::size_t most) {
    std::array<char, 64 * 1024> space;
    while (!ended() && most > 0) {
        const ssize_t count = ::recv(fd(), space.data(), std::min(space.size(), most), MSG_DONTWAIT);
        if (count < 0) {
            reset_ = errno != EAGAIN && errno != EINTR;
            return;
        }
        ended_ = count == 0;
        most -= static_cast<std::size_t>(count);
        received_.append(space.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace sup::test
