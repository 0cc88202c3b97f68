// A UDP echo service on the worker library: sends back what it gets, with its generation before it.
#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <cstdio>
#include <string>

#include "common/uv.h"
#include "sup/worker.h"

namespace {

void echo_all(int socket, const std::string& generation) {
    std::array<char, 65536> datagram{};
    sockaddr_storage client{};
    for (;;) {
        socklen_t size = sizeof client;
        auto* address = reinterpret_cast<sockaddr*>(&client);
        const ssize_t got =
            ::recvfrom(socket, datagram.data(), datagram.size(), MSG_DONTWAIT, address, &size);
        if (got < 0) return;
        const std::string answer =
            generation + " " + std::string(datagram.data(), static_cast<std::size_t>(got));
        ::sendto(socket, answer.data(), answer.size(), 0, address, size);
    }
}

}  // namespace

int main() {
    sup::worker::Worker worker;
    const int socket = worker.listeners().at(0).socket;
    const std::string generation = std::to_string(worker.generation());
    auto poll = sup::uv::Poll::create(worker.loop(), socket, [&](int, int) { echo_all(socket, generation); });
    if (!poll) {
        std::fputs(poll.error().message.c_str(), stderr);
        return 1;
    }
    poll->start(UV_READABLE);
    return worker.run();
}
