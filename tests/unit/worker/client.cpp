#include "tests/unit/worker/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace sup::test {
namespace {

constexpr timeval patience{30, 0};

std::size_t header_number(const std::string& head, const std::string& name, int base) {
    const std::size_t at = head.find(name);
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size()), nullptr, base);
}

}  // namespace

Client::Client(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const std::size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        throw std::runtime_error("cannot connect to " + address);
    }
}

void Client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0) throw std::runtime_error("the server takes no more");
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

std::size_t Client::try_send(std::string_view bytes) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
}

void Client::end_sending() {
    ::shutdown(socket_.get(), SHUT_WR);
}

bool Client::fill() {
    std::array<char, 65536> space;
    const ssize_t count = ::recv(socket_.get(), space.data(), space.size(), 0);
    if (count > 0) {
        received_.append(space.data(), static_cast<std::size_t>(count));
        return true;
    }
    ended_ = count == 0;
    reset_ = count < 0;
    return false;
}

std::string Client::receive_bytes(std::size_t count) {
    while (received_.size() < count && fill()) {
    }
    const std::string bytes = received_.substr(0, count);
    received_.erase(0, count);
    return bytes;
}

Answer Client::receive(bool head_only) {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
        if (!fill()) return {};
    }
    Answer answer;
    answer.head = receive_bytes(end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    if (head_only || answer.status == 100) return answer;
    if (answer.head.find("Transfer-Encoding: chunked") == std::string::npos) {
        answer.body = receive_bytes(header_number(answer.head, "Content-Length: ", 10));
        return answer;
    }
    for (;;) {
        while ((end = received_.find("\r\n")) == std::string::npos) {
            if (!fill()) return {};
        }
        const std::size_t size = header_number(receive_bytes(end + 2), "", 16);
        answer.body += receive_bytes(size);
        if (receive_bytes(2) != "\r\n") return {};
        if (size == 0) return answer;
    }
}

std::optional<std::string> Client::receive_to_end() {
    while (fill()) {
    }
    if (!ended_) return std::nullopt;
    return std::exchange(received_, {});
}

bool Client::ended_in_order() {
    return receive_to_end() == "";
}

bool Client::was_reset() {
    return !receive_to_end() && errno == ECONNRESET;
}

bool Client::has_bytes(int within_milliseconds) {
    if (!received_.empty()) return true;
    pollfd wait{socket_.get(), POLLIN, 0};
    return ::poll(&wait, 1, within_milliseconds) > 0;
}

Answer request(const std::string& address, const std::string& bytes) {
    Client client(address);
    client.send(bytes);
    return client.receive();
}

void pause_briefly() {
    const timespec five_milliseconds{0, 5'000'000};
    ::nanosleep(&five_milliseconds, nullptr);
}

}  // namespace sup::test
