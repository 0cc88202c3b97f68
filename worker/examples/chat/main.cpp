// A chat over plain TCP: each line goes to everybody. Its sessions live on over reloads, each with its name,
// and nobody misses a line meanwhile. Try it with two terminals:
//
//     nc 127.0.0.1 8080
//     /name alice
//     hello
//
// Those hear each other who are with the same worker. Run one (`worker.count` 1), or let the workers pass
// lines to each other by a broker.
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sup/connections.h"
#include "sup/worker.h"
#include "worker/examples/watch.h"

namespace {

constexpr std::size_t longest_line = 4 * 1024;
constexpr std::size_t most_unsent = 256 * 1024;  // a client that is so far behind is let go
constexpr std::size_t most_remembered = 1'000;

// What travels with a session to the worker that takes over: "3 alice", the generation that served it and its
// name. Change the version in `Spoken` when this changes.
struct State {
    unsigned generation = 0;
    std::string name = "somebody";

    std::string text() const { return std::to_string(generation) + " " + name; }
    static State parse(std::string_view text) {
        State state;
        const std::size_t space = text.find(' ');
        if (space == std::string_view::npos) return state;
        std::from_chars(text.data(), text.data() + space, state.generation);
        state.name = text.substr(space + 1);
        return state;
    }
};

class Chat {
public:
    explicit Chat(sup::worker::Worker& worker)
        : worker_(worker),
          connections_(worker, {.protocol = "chat", .writes = 1, .reads = {1}},
                       {.arrived = [this](sup::worker::Connection arrived) { join(std::move(arrived)); },
                        .move = [this] { move_all(); },
                        .end_idle = [this] { end_all(); },
                        .end_all = [this](std::chrono::milliseconds) { sessions_.clear(); },
                        .spare = [this](std::size_t count) { put_back(count); }}) {}

private:
    struct Session {
        sup::worker::Connection connection;
        std::string name;
        std::string received;  // half a line, at the most, between two events
        std::string unsent;
        bool over = false;      // to be ended once it is nobody's turn
        examples::Watch watch;  // ends before the connection does
    };
    using Place = std::list<Session>::iterator;

    void join(sup::worker::Connection arrived) {
        const State state = State::parse(arrived.take_state());
        const Place place =
            sessions_.insert(sessions_.end(), Session{std::move(arrived), state.name, {}, {}, false, {}});
        place->received = place->connection.take_unread();
        watch(place);
        // It comes from the last generation, where everybody heard everything until the move began. What was
        // said here since, by those who came first, it has not heard.
        if (!place->connection.fresh() && state.generation < worker_.generation()) {
            for (const std::string& line : said_) send(*place, line);
        }
        if (worker_.draining()) move(place);
    }

    void watch(Place place) {
        place->watch =
            examples::Watch(worker_.loop(), place->connection.socket(), [this, place] { serve(place); });
        place->watch.wait_for(!place->unsent.empty());
    }

    void serve(Place place) {
        flush(*place);
        if (!place->over && !read(*place)) place->over = true;
        sweep();
        if (worker_.draining()) move_all();
    }

    bool read(Session& session) {
        std::array<char, 4096> bytes;
        const ssize_t count = ::recv(session.connection.socket(), bytes.data(), bytes.size(), 0);
        if (count < 0) return errno == EAGAIN || errno == EINTR;
        if (count == 0) return false;
        session.received.append(bytes.data(), static_cast<std::size_t>(count));
        std::size_t begin = 0;
        for (std::size_t end = session.received.find('\n'); end != std::string::npos;
             end = session.received.find('\n', begin)) {
            say(session, session.received.substr(begin, end - begin));
            begin = end + 1;
        }
        session.received.erase(0, begin);
        return session.received.size() <= longest_line;
    }

    void say(Session& session, std::string line) {
        session.connection.answered();
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.substr(0, 6) == "/name ") {
            session.name = line.substr(6, 64);
            return;
        }
        said_.push_back(session.name + ": " + line + "\n");
        if (said_.size() > most_remembered) said_.pop_front();
        for (Session& everybody : sessions_) send(everybody, said_.back());
    }

    static void send(Session& session, std::string_view line) {
        session.unsent.append(line);
        flush(session);
        if (session.unsent.size() > most_unsent) session.over = true;
    }

    static void flush(Session& session) {
        while (!session.unsent.empty()) {
            const ssize_t count = ::send(session.connection.socket(), session.unsent.data(),
                                         session.unsent.size(), MSG_NOSIGNAL);
            if (count < 0) {
                session.over = session.over || (errno != EAGAIN && errno != EINTR);
                break;
            }
            session.unsent.erase(0, static_cast<std::size_t>(count));
        }
        session.watch.wait_for(!session.unsent.empty());
    }

    void sweep() {
        sessions_.remove_if([](const Session& session) { return session.over; });
    }

    // All in one go, and nobody is read from in between: so nobody speaks while half of the room has left.
    void move_all() {
        for (Place next = sessions_.begin(); next != sessions_.end();) move(next++);
    }

    void move(Place place) {
        if (!place->unsent.empty()) return;  // when it is sent
        place->watch = {};
        const State state{worker_.generation(), place->name};
        switch (place->connection.hand_over(place->received, state.text())) {
            case sup::worker::HandOver::done: sessions_.erase(place); return;
            case sup::worker::HandOver::later: return;  // without a watch: it says nothing until it has moved
            case sup::worker::HandOver::impossible: watch(place); return;
        }
    }

    void put_back(std::size_t count) {
        for (Place next = sessions_.begin(); next != sessions_.end() && count > 0;) {
            const Place place = next++;
            if (!place->unsent.empty()) continue;
            place->watch = {};
            if (place->connection.put_back(place->received,
                                           State{worker_.generation(), place->name}.text())) {
                sessions_.erase(place);
                --count;
            } else {
                watch(place);
            }
        }
    }

    // Nobody takes over: a word, and the end.
    void end_all() {
        for (Session& session : sessions_) send(session, "* the chat closes; come back in a moment\n");
        sessions_.clear();
    }

    sup::worker::Worker& worker_;
    std::list<Session> sessions_;
    std::list<std::string> said_;
    sup::worker::Connections connections_;
};

}  // namespace

int main() {
    sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});
    const Chat chat(worker);
    return worker.run();
}
