// A worker of a protocol that is not HTTP, on the library's Connections: each line comes back, with the
// worker's pid before it. For connections_test. Flags make it misbehave, or another release:
//   --count WRITES READS…  each line also has its number in the session, which is the state that moves
//   --never-close          keeps every connection at the drain, whatever it is told
//   --throw                in every handler, after the connection has said "throw"
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/uv.h"
#include "sup/connections.h"
#include "sup/worker.h"

namespace {

struct Flags {
    sup::worker::Spoken spoken{"line/1"};
    bool counts = false;
    bool never_closes = false;
    bool throws = false;
};

class LineServer {
public:
    LineServer(sup::worker::Worker& worker, Flags flags)
        : worker_(worker),
          flags_(std::move(flags)),
          connections_(worker, flags_.spoken,
                       {.arrived = [this](sup::worker::Connection arrived) { take(std::move(arrived)); },
                        .move = [this] { move(); },
                        .end_idle = [this] { end_all(); },
                        .end_all = [this](std::chrono::milliseconds) { end_all(); },
                        .spare = [this](std::size_t count) { spare(count); },
                        .make_room = [this](std::size_t count) { make_room(count); }}) {}

private:
    struct Session {
        sup::worker::Connection connection;
        std::string received;
        unsigned lines = 0;
        sup::uv::Poll poll;
    };

    void take(sup::worker::Connection arrived) {
        const int socket = arrived.socket();
        if (flags_.throws && arrived.fresh()) throw std::runtime_error("no\x1b room");
        Session& session = sessions_[socket];
        session.received = arrived.take_unread();
        const std::string state = arrived.take_state();
        if (!state.empty()) session.lines = static_cast<unsigned>(std::stoul(state));
        session.connection = std::move(arrived);
        watch(socket, session);
        if (worker_.draining()) move_one(socket);
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
        if (count <= 0) return end(socket);
        session.received.append(bytes.data(), static_cast<std::size_t>(count));
        for (auto at = session.received.find('\n'); at != std::string::npos;
             at = session.received.find('\n')) {
            answer(session, session.received.substr(0, at + 1));
            session.received.erase(0, at + 1);
        }
        if (worker_.draining() && !session.connection.moves_on() && !flags_.never_closes) end(socket);
    }

    void answer(Session& session, const std::string& line) {
        ++session.lines;
        const std::string number = flags_.counts ? std::to_string(session.lines) + " " : "";
        const std::string answer = std::to_string(::getpid()) + " " + number + line;
        ::send(session.connection.socket(), answer.data(), answer.size(), MSG_NOSIGNAL);
        session.connection.answered();
    }

    std::string state(const Session& session) const {
        return flags_.counts ? std::to_string(session.lines) : "";
    }

    // Between two lines always, as each is answered at once.
    void move() {
        if (flags_.throws) throw std::runtime_error("move");
        for (const int socket : sockets()) move_one(socket);
    }

    void move_one(int socket) {
        Session& session = sessions_.at(socket);
        session.poll = {};
        if (session.connection.hand_over(session.received, state(session)) == sup::worker::HandOver::done) {
            sessions_.erase(socket);
        } else {
            watch(socket, session);
        }
    }

    void spare(std::size_t count) {
        for (const int socket : sockets(count)) {
            Session& session = sessions_.at(socket);
            session.poll = {};
            if (session.connection.put_back(session.received, state(session))) {
                sessions_.erase(socket);
            } else {
                watch(socket, session);
            }
        }
    }

    void make_room(std::size_t count) {
        for (const int socket : sockets(count)) end(socket);
    }

    std::vector<int> sockets(std::size_t most = SIZE_MAX) const {
        std::vector<int> some;
        for (const auto& entry : sessions_) {
            if (some.size() < most) some.push_back(entry.first);
        }
        return some;
    }

    void end_all() {
        if (flags_.throws) throw std::runtime_error("end");
        if (flags_.never_closes) return;
        while (!sessions_.empty()) end(sessions_.begin()->first);
    }

    void end(int socket) { sessions_.erase(socket); }

    sup::worker::Worker& worker_;
    Flags flags_;
    std::map<int, Session> sessions_;
    sup::worker::Connections connections_;
};

Flags parse(const std::vector<std::string>& arguments) {
    Flags flags;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--never-close") {
            flags.never_closes = true;
        } else if (arguments[i] == "--throw") {
            flags.throws = true;
        } else if (arguments[i] == "--count") {
            flags.counts = true;
            flags.spoken.writes = static_cast<unsigned>(std::stoul(arguments.at(++i)));
            flags.spoken.reads.clear();
        } else {
            flags.spoken.reads.push_back(static_cast<unsigned>(std::stoul(arguments[i])));
        }
    }
    return flags;
}

}  // namespace

int main(int argc, char** argv) {
    sup::worker::Worker worker;
    const LineServer server(worker, parse({argv + 1, argv + argc}));
    return worker.run();
}
