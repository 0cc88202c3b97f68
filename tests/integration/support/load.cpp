#include "tests/integration/support/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <sstream>
#include <vector>

#include "common/unique_fd.h"
#include "tests/integration/support/http.h"

namespace sup::test {

using Clock = std::chrono::steady_clock;

// One request on one connection, from connect to the end of the answer.
class Load::Client {
public:
    enum class Ending { none, answered, refused, reset, timed_out, short_answer, wrong, other };

    Client(int epoll, const Endpoint& endpoint, unsigned index)
        : epoll_(epoll), endpoint_(endpoint), index_(index) {}

    void begin();
    void advance();
    // Whether this was the moment it gave up.
    bool give_up_if_late() {
        if (!active() || Clock::now() - begun_ < patience) return false;
        finish(Ending::timed_out, "no answer");
        return true;
    }

    bool active() const { return bool(fd_); }
    Ending ending() const { return ending_; }
    const std::string& detail() const { return detail_; }
    const Hello& hello() const { return hello_; }

private:
    void finish(Ending ending, std::string detail);
    void fail(const std::string& what, int error_number);
    void judge();
    bool send_request();
    void watch(std::uint32_t events, int operation) {
        epoll_event event{events, {.ptr = this}};
        ::epoll_ctl(epoll_, operation, fd_.get(), &event);
    }

    const int epoll_;
    const Endpoint& endpoint_;
    const unsigned index_;
    UniqueFd fd_;
    bool sent_ = false;
    std::string text_;
    Clock::time_point begun_;
    Ending ending_ = Ending::none;
    std::string detail_;
    Hello hello_;
};

void Load::Client::begin() {
    ending_ = Ending::none;
    text_.clear();
    sent_ = false;
    begun_ = Clock::now();
    // A source address for each client: one address would run out of ports while closed connections linger.
    int problem = 0;
    fd_ = endpoint_.connect(SOCK_NONBLOCK, problem, index_ + 1);
    if (problem != 0 && problem != EINPROGRESS) return fail("connect", problem);
    watch(EPOLLOUT, EPOLL_CTL_ADD);
}

void Load::Client::fail(const std::string& what, int error_number) {
    const Ending ending = error_number == ECONNREFUSED                          ? Ending::refused
                          : error_number == ECONNRESET || error_number == EPIPE ? Ending::reset
                          : error_number == ETIMEDOUT                           ? Ending::timed_out
                                                                                : Ending::other;
    finish(ending, what + ": " + std::strerror(error_number));
}

void Load::Client::finish(Ending ending, std::string detail) {
    ending_ = ending;
    detail_ = std::move(detail);
    // Closing alone is not enough: between fork and exec a child of the test holds the connection, too.
    watch(0, EPOLL_CTL_DEL);
    fd_.reset();
}

bool Load::Client::send_request() {
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail("connect", error), false;
    static const std::string text = request("/");
    if (::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
        return fail("send", errno), false;
    }
    sent_ = true;
    watch(EPOLLIN, EPOLL_CTL_MOD);
    return true;
}

void Load::Client::advance() {
    if (!sent_) {
        send_request();
        return;
    }
    std::array<char, 4096> bytes;
    const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (size > 0) text_.append(bytes.data(), static_cast<std::size_t>(size));
    if (size < 0 && errno != EAGAIN) fail("recv", errno);
    if (size == 0) judge();
}

// The connection has ended: was that a whole and good answer?
void Load::Client::judge() {
    const auto head_end = text_.find("\r\n\r\n");
    const auto length = text_.find("Content-Length: ");
    if (head_end == std::string::npos || length > head_end)
        return finish(Ending::short_answer, "'" + text_ + "'");
    const std::string body = text_.substr(head_end + 4);
    if (body.size() < std::stoul(text_.substr(length + 16)))
        return finish(Ending::short_answer, "'" + text_ + "'");
    const auto hello = parse_hello(body);
    if (!text_.starts_with("HTTP/1.1 200 ") || !hello) return finish(Ending::wrong, "'" + text_ + "'");
    hello_ = *hello;
    finish(Ending::answered, "");
}

std::string LoadReport::text() const {
    std::ostringstream out;
    out << answered << " answered by " << pids.size() << " processes of " << generations.size()
        << " generations; refused " << refused << ", reset " << reset << ", timed out " << timed_out
        << ", short " << short_answers << ", wrong " << wrong << ", other " << other;
    if (!first_failure.empty()) out << "; first failure: " << first_failure;
    return out.str();
}

Load::Load(Endpoint endpoint, unsigned clients)
    : endpoint_(std::move(endpoint)), clients_(clients), thread_([this] { loop(); }) {}

Load::~Load() {
    stop();
}

bool Load::has_answered(pid_t pid) const {
    const std::lock_guard lock(mutex_);
    return report_.pids.contains(pid);
}

LoadReport Load::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return report_;
}

void Load::account(const Client& client) {
    const std::lock_guard lock(mutex_);
    switch (client.ending()) {
        case Client::Ending::answered:
            report_.pids.insert(client.hello().pid);
            ++report_.generations[client.hello().generation];
            ++report_.versions[client.hello().version];
            ++report_.answered;
            ++answered_;
            return;
        case Client::Ending::refused: ++report_.refused; break;
        case Client::Ending::reset: ++report_.reset; break;
        case Client::Ending::timed_out: ++report_.timed_out; break;
        case Client::Ending::short_answer: ++report_.short_answers; break;
        case Client::Ending::wrong: ++report_.wrong; break;
        case Client::Ending::other:
        case Client::Ending::none: ++report_.other; break;
    }
    if (report_.first_failure.empty()) report_.first_failure = client.detail();
}

void Load::loop() {
    const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    std::vector<std::unique_ptr<Client>> clients;
    for (unsigned index = 0; index < clients_; ++index) {
        clients.push_back(std::make_unique<Client>(epoll.get(), endpoint_, index));
    }
    std::array<epoll_event, 64> events;
    for (;;) {
        bool any = false;
        for (auto& client : clients) {
            if (!client->active() && !stopping_) {
                client->begin();
                if (!client->active()) account(*client);  // failed at once; tried anew after the wait below
            }
            any = any || client->active();
        }
        if (!any && stopping_) return;
        const int ready = ::epoll_wait(epoll.get(), events.data(), events.size(), any ? 100 : 10);
        for (int i = 0; i < ready; ++i) {
            auto& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
            client.advance();
            if (!client.active()) account(client);
        }
        for (auto& client : clients) {
            if (client->give_up_if_late()) account(*client);
        }
    }
}

}  // namespace sup::test
