#include "tests/unit/control/world.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "master/control/socket_address.h"

namespace sup::control::test {

using nlohmann::json;

World::World(ControlServer::Limits limits) : path_(directory.path() + "/control.sock") {
    auto listening = ControlServer::listen(loop.get(), path_, master, limits);
    if (listening) server.emplace(std::move(*listening));
}

bool World::until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        uv_run(loop.get(), UV_RUN_NOWAIT);
    }
    return true;
}

RawClient::RawClient(World& world, const std::string& path)
    : world_(world), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const auto address = SocketAddress::create(path);
    connected_ = ::connect(socket_.get(), address->get(), SocketAddress::size()) == 0;
}

void RawClient::send(const std::string& bytes) {
    std::size_t sent = 0;
    world_.until([&] {
        const ssize_t size = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (size > 0) sent += static_cast<std::size_t>(size);
        return sent == bytes.size() || (size < 0 && errno != EAGAIN);
    });
}

json RawClient::receive() {
    world_.until([&] { return input_.find('\n') != std::string::npos || end_ || !read_some(); });
    const auto newline = input_.find('\n');
    if (newline == std::string::npos) return nullptr;
    const json message = json::parse(input_.substr(0, newline));
    input_.erase(0, newline + 1);
    return message;
}

bool RawClient::at_end() {
    return world_.until([&] { return end_ || !read_some(); });
}

// False: the stream is at its end.
bool RawClient::read_some() {
    std::array<char, 65536> chunk{};
    const ssize_t size = ::read(socket_.get(), chunk.data(), chunk.size());
    if (size > 0) input_.append(chunk.data(), static_cast<std::size_t>(size));
    if (size == 0 || (size < 0 && errno != EAGAIN)) end_ = true;
    return !end_;
}

void RawClient::finish_sending() {
    ::shutdown(socket_.get(), SHUT_WR);
}

std::string call(int id, const std::string& method, const std::string& params) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" +
           params + "}\n";
}

}  // namespace sup::control::test
