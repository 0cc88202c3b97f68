#include "tests/integration/support/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstring>

namespace sup::test {

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

}  // namespace

std::optional<Hello> parse_hello(const std::string& body) {
    Hello hello;
    std::array<char, 65> version{};
    if (std::sscanf(body.c_str(), "hello world from pid:%d, ppid: %d, generation: %d, version: %64s",
                    &hello.pid, &hello.parent, &hello.generation, version.data()) != 4) {
        return std::nullopt;
    }
    hello.version = version.data();
    return hello;
}

std::string request(const std::string& path, bool keep_alive) {
    return "GET " + path + " HTTP/1.1\r\nHost: test\r\n" + (keep_alive ? "" : "Connection: close\r\n") +
           "\r\n";
}

HttpConnection::HttpConnection(const Endpoint& endpoint)
    : deadline_(std::chrono::steady_clock::now() + patience) {
    int problem = 0;
    fd_ = endpoint.connect(0, problem);
    if (problem != 0) error_ = std::string("connect: ") + std::strerror(problem);
}

void HttpConnection::send(std::string_view bytes) {
    while (error_.empty() && !bytes.empty()) {
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            error_ = std::string("send: ") + std::strerror(errno);
        } else {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
}

bool HttpConnection::read_more() {
    if (!error_.empty() || ended_) return false;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    pollfd wanted{fd_.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wanted, 1, static_cast<int>(left.count())) <= 0) {
        error_ = "no answer before the deadline";
        return false;
    }
    std::array<char, 65536> bytes;
    const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (size < 0) error_ = std::string("recv: ") + std::strerror(errno);
    if (size == 0) ended_ = true;
    if (size > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0;
}

bool HttpConnection::readable() const {
    pollfd wanted{fd_.get(), POLLIN, 0};
    return !buffer_.empty() || ::poll(&wanted, 1, 0) > 0;
}

bool HttpConnection::need(std::size_t size) {
    while (buffer_.size() < size) {
        if (!read_more()) return false;
    }
    return true;
}

bool HttpConnection::need_line(std::string& line) {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
        if (!read_more()) return false;
    }
    line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return true;
}

std::string HttpConnection::read_chunks() {
    std::string body;
    for (std::string line; need_line(line);) {
        const std::size_t size = std::stoul(line, nullptr, 16);
        if (!need(size + 2)) break;
        body.append(buffer_, 0, size);
        buffer_.erase(0, size + 2);
        if (size == 0) return body;
    }
    if (error_.empty()) error_ = "the connection ended within a chunk";
    return body;
}

std::string HttpConnection::read_body(Answer& answer) {
    if (answer.headers["transfer-encoding"] == "chunked") return read_chunks();
    const auto length = answer.headers.find("content-length");
    if (length == answer.headers.end()) {
        while (read_more()) {
        }
        return std::exchange(buffer_, {});
    }
    const std::size_t size = std::stoul(length->second);
    if (!need(size) && error_.empty()) error_ = "the answer is shorter than its Content-Length";
    std::string body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return body;
}

Answer HttpConnection::receive(std::chrono::milliseconds deadline) {
    deadline_ = std::chrono::steady_clock::now() + deadline;
    Answer answer;
    std::string line;
    int status = 0;
    if (need_line(line) && std::sscanf(line.c_str(), "HTTP/1.1 %d", &status) != 1)
        error_ = "not HTTP/1.1: " + line;
    while (need_line(line) && !line.empty()) {
        const auto colon = line.find(':');
        const auto value = line.find_first_not_of(' ', colon + 1);
        if (colon == std::string::npos) error_ = "a bad header line: " + line;
        answer.headers[lower(line.substr(0, colon))] = value == std::string::npos ? "" : line.substr(value);
    }
    if (error_.empty() && !ended_) answer.body = read_body(answer);
    if (error_.empty() && ended_ && status == 0) error_ = "the connection ended without an answer";
    answer.error = error_;
    if (error_.empty()) answer.status = status;
    return answer;
}

bool HttpConnection::ends_in_order(std::chrono::milliseconds deadline) {
    deadline_ = std::chrono::steady_clock::now() + deadline;
    return error_.empty() && !read_more() && ended_ && buffer_.empty();
}

Answer get(const Endpoint& endpoint, const std::string& path, std::chrono::milliseconds deadline) {
    HttpConnection connection(endpoint);
    connection.send(request(path));
    return connection.receive(deadline);
}

Hello hello(const Endpoint& endpoint) {
    const Answer answer = get(endpoint);
    return answer.ok() ? parse_hello(answer.body).value_or(Hello{}) : Hello{};
}

}  // namespace sup::test
