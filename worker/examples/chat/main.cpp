// A chat over plain TCP: each line goes to everybody. Its sessions survive reloads, each with its name,
// and nobody misses a line in the meantime. Try it with two terminals:
//
//     nc 127.0.0.1 8080
//     /name alice
//     hello
//
// Only clients of the same worker hear each other. Run one worker (`worker.count` 1), or let the workers
// pass lines to each other through a broker.
#include <sys/socket.h>

#include <algorithm>
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
constexpr std::size_t most_unsent = 256 * 1024;  // a client that falls this far behind is dropped
constexpr std::size_t most_remembered = 1'000;
// Of one client in one turn of the loop, and of all: the rest of what they said comes in the next turn, and
// meanwhile others are served.
constexpr int most_lines = 64;
constexpr std::size_t most_news = 64 * 1024;

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
    using Wait = examples::Watch::Wait;
    struct Session {
        sup::worker::Connection connection;
        std::string name;
        std::string received;  // between two events: half a line, or lines whose turn has not come yet
        std::string unsent;
        bool over = false;      // to be ended once no client is being served
        examples::Watch watch;  // ends before the connection does
    };
    using Place = std::list<Session>::iterator;

    void join(sup::worker::Connection arrived) {
        spread();  // to those who were here when it was said
        const State state = State::parse(arrived.take_state());
        const Place place =
            sessions_.insert(sessions_.end(), Session{std::move(arrived), state.name, {}, {}, false, {}});
        place->received = place->connection.take_unread();
        // It comes from the last generation, where everybody heard everything until the move began. What was
        // said here since, by those who came first, it has not heard.
        if (!place->connection.fresh() && state.generation < worker_.generation()) {
            for (const std::string& line : said_) place->unsent.append(line);
        }
        watch(place);
    }

    void watch(Place place) {
        place->watch =
            examples::Watch(worker_.loop(), place->connection.socket(), [this, place] { serve(place); });
        wait(*place);
    }

    // Whoever has room gets a turn at once, so that it also brings the lines that are here already.
    void wait(Session& session) const {
        const bool wants_room = !session.unsent.empty() || (!moving_ && has_line(session));
        if (moving_) return session.watch.wait_for(wants_room ? Wait::room : Wait::nothing);
        session.watch.wait_for(wants_room ? Wait::input_and_room : Wait::input);
    }

    void serve(Place place) {
        flush(*place);
        if (!moving_ && !place->over && !listen(*place)) place->over = true;
        wait(*place);
        const bool moves = moving_ && !place->over;
        sweep();
        if (moves) move(place);
    }

    static bool has_line(const Session& session) { return session.received.find('\n') != std::string::npos; }

    // False: it has left, or begins a line that has no end.
    bool listen(Session& session) {
        if (news_.size() >= most_news) return true;
        if (!has_line(session) && !receive(session)) return false;
        for (int lines = 0; lines < most_lines && has_line(session); ++lines) {
            const std::size_t end = session.received.find('\n');
            say(session, session.received.substr(0, end));
            session.received.erase(0, end + 1);
        }
        return session.received.size() <= longest_line || has_line(session);
    }

    static bool receive(Session& session) {
        std::array<char, 4096> bytes;
        const ssize_t count = ::recv(session.connection.socket(), bytes.data(), bytes.size(), 0);
        if (count < 0) return errno == EAGAIN || errno == EINTR;
        session.received.append(bytes.data(), static_cast<std::size_t>(count));
        return count > 0;
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
        if (news_.empty()) worker_.post([this] { spread(); });
        news_.append(said_.back());
    }

    // All that was said in a turn of the loop goes to everybody at once: for each line by itself a room of a
    // thousand would take a thousand calls of the kernel.
    void spread() {
        const std::string news = std::exchange(news_, {});
        for (Session& everybody : sessions_) {
            if (!news.empty()) send(everybody, news);
        }
        sweep();
    }

    void send(Session& session, std::string_view text) const {
        session.unsent.append(text);
        flush(session);
        if (session.unsent.size() > most_unsent) session.over = true;
        wait(session);
    }

    static void flush(Session& session) {
        if (session.unsent.empty()) return;
        const ssize_t count =
            ::send(session.connection.socket(), session.unsent.data(), session.unsent.size(), MSG_NOSIGNAL);
        if (count > 0) session.unsent.erase(0, static_cast<std::size_t>(count));
        if (count < 0 && errno != EAGAIN && errno != EINTR) session.over = true;
    }

    void sweep() {
        sessions_.remove_if([](const Session& session) { return session.over; });
    }

    // Nobody is read from until all have moved, however long that takes: so nobody speaks while half of the
    // room has left.
    void move_all() {
        spread();
        moving_ = std::any_of(sessions_.begin(), sessions_.end(),
                              [](const Session& session) { return session.connection.moves_on(); });
        for (Place next = sessions_.begin(); next != sessions_.end();) move(next++);
    }

    void move(Place place) {
        if (!place->unsent.empty()) return wait(*place);  // when it is sent
        place->watch = {};
        const State state{worker_.generation(), place->name};
        switch (place->connection.hand_over(place->received, state.text())) {
            case sup::worker::HandOver::done: sessions_.erase(place); return;
            case sup::worker::HandOver::later: return;  // `move` is called again
            case sup::worker::HandOver::impossible: break;
        }
        if (moving_) return void(sessions_.erase(place));  // the room goes, and nobody is left to talk to
        watch(place);
    }

    void put_back(std::size_t count) {
        spread();
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

    // Nobody takes over: say goodbye, and end.
    void end_all() {
        spread();
        for (Session& session : sessions_) send(session, "* the chat closes; come back in a moment\n");
        sessions_.clear();
    }

    sup::worker::Worker& worker_;
    std::list<Session> sessions_;
    std::list<std::string> said_;
    std::string news_;     // said in this turn of the loop, and not sent yet
    bool moving_ = false;  // to another worker, some perhaps already there
    sup::worker::Connections connections_;
};

}  // namespace

int main() {
    sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});
    const Chat chat(worker);
    return worker.run();
}
