// A server for tests that deals with every connection as a script says, one connection at a time.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "common/unique_fd.h"

namespace sup::bench::test {

// One accepted connection, from the server's side.
class Peer {
public:
    explicit Peer(int fd) : socket_(fd) {}

    // Whether another request has come; false at the end of the connection. A request ends where it is found
    // to end with `ending`.
    bool read_request(std::string_view ending = "\r\n\r\n") {
        std::string text;
        std::array<char, 4096> buffer{};
        while (text.size() < ending.size() || !text.ends_with(ending)) {
            const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (n <= 0) return false;
            text.append(buffer.data(), static_cast<std::size_t>(n));
        }
        return true;
    }

    void send(std::string_view text) { ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
    // Until the client closes.
    void wait_for_end() {
        while (read_request()) {
        }
    }
    void close() { socket_.reset(); }
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }

private:
    UniqueFd socket_;
};

class ScriptedServer {
public:
    explicit ScriptedServer(std::function<void(Peer&)> script) : script_(std::move(script)) {
        listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_.get(), any, size) < 0 || ::listen(listener_.get(), 64) < 0 ||
            ::getsockname(listener_.get(), any, &size) < 0) {
            throw std::runtime_error("the server of this test cannot listen");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~ScriptedServer() {
        stopping_ = true;
        thread_.join();
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    std::uint16_t port() const noexcept { return port_; }

private:
    void serve() {
        pollfd waiting{listener_.get(), POLLIN, 0};
        while (!stopping_) {
            if (::poll(&waiting, 1, 20) != 1) continue;
            Peer peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            script_(peer);
        }
    }

    std::function<void(Peer&)> script_;
    UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace sup::bench::test
