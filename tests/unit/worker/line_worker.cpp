// A worker of a protocol that is not HTTP, on the library's Connections: each line comes back, with the
// worker's pid before it. For connections_test.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/uv.h"
#include "sup/connections.h"
#include "sup/worker.h"

namespace {

class LineServer {
public:
    explicit LineServer(sup::worker::Worker& worker)
        : worker_(worker),
          connections_(worker, "line/1",
                       {.arrived = [this](sup::worker::Arrived arrived) { take(std::move(arrived)); },
                        .move = [this] { move(); },
                        .end_idle = [this] { end_all(false); },
                        .end_all = [this](std::chrono::milliseconds) { end_all(true); },
                        .spare = [this](std::size_t count) { spare(count); }}) {}

private:
    struct Session {
        std::string listener;
        std::string received;
        sup::uv::Poll poll;
    };

    void take(sup::worker::Arrived arrived) {
        Session& session = sessions_[arrived.socket];
        session.listener = arrived.listener;
        session.received = arrived.unconsumed;
        watch(arrived.socket, session);
        if (worker_.draining()) move_one(arrived.socket);
    }

    void watch(int socket, Session& session) {
        session.poll =
            *sup::uv::Poll::create(worker_.loop(), socket, [this, socket](int, int) { read(socket); });
        session.poll.start(UV_READABLE);
    }

    void read(int socket) {
        Session& session = sessions_.at(socket);
        std::array<char, 1024> bytes;
        const ssize_t count = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count <= 0) return end(socket, false);
        session.received.append(bytes.data(), static_cast<std::size_t>(count));
        for (auto at = session.received.find('\n'); at != std::string::npos;
             at = session.received.find('\n')) {
            const std::string answer = std::to_string(::getpid()) + " " + session.received.substr(0, at + 1);
            ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL);
            session.received.erase(0, at + 1);
        }
        if (worker_.draining() && !connections_.moves_on(session.listener)) end(socket, false);
    }

    // Between two lines always, as each is answered at once. What was handed over is closed.
    void move() {
        std::vector<int> all;
        for (const auto& entry : sessions_) all.push_back(entry.first);
        for (const int socket : all) move_one(socket);
    }

    void move_one(int socket) {
        Session& session = sessions_.at(socket);
        session.poll = {};
        if (connections_.hand_over(socket, session.listener, session.received) ==
            sup::worker::HandOver::done) {
            sessions_.erase(socket);
        } else {
            watch(socket, session);
        }
    }

    void spare(std::size_t count) {
        std::vector<int> some;
        for (const auto& entry : sessions_) {
            if (some.size() < count) some.push_back(entry.first);
        }
        for (const int socket : some) {
            Session& session = sessions_.at(socket);
            session.poll = {};
            if (connections_.put_back(socket, session.listener, session.received)) {
                sessions_.erase(socket);
            } else {
                watch(socket, session);
            }
        }
    }

    void end_all(bool at_deadline) {
        while (!sessions_.empty()) end(sessions_.begin()->first, at_deadline);
    }

    void end(int socket, bool at_deadline) {
        sessions_.erase(socket);
        ::close(socket);
        connections_.closed(at_deadline);
    }

    sup::worker::Worker& worker_;
    std::map<int, Session> sessions_;
    sup::worker::Connections connections_;
};

}  // namespace

int main() {
    sup::worker::Worker worker;
    const LineServer server(worker);
    return worker.run();
}
