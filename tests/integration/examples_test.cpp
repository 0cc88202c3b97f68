// The examples of the worker library, each reloaded while clients use it: none of them notices.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

constexpr unsigned reloads = sanitized ? 4 : 10;

// So many clients, each in a thread of its own, until stop(). What a client returns is what went wrong. They
// leave the instance alone, which belongs to the test's thread as Catch2's macros do.
class Clients {
public:
    using Client = std::function<std::string(unsigned number, const std::atomic<bool>& stopping)>;

    Clients(unsigned count, const Client& client) {
        for (unsigned i = 0; i < count; ++i) {
            threads_.emplace_back([this, client, i] {
                const std::string problem = client(i, stopping_);
                const std::lock_guard lock(mutex_);
                ++ended_;
                if (!problem.empty()) problems_ += "client " + std::to_string(i) + ": " + problem + "\n";
            });
        }
    }
    ~Clients() { stop(); }

    // For clients that end only once something else has happened: true when all have.
    bool asked_to_stop_and_ended() {
        stopping_ = true;
        const std::lock_guard lock(mutex_);
        return ended_ == threads_.size();
    }

    // Waits for all; what went wrong for any of them, empty: nothing.
    std::string stop() {
        stopping_ = true;
        for (std::thread& thread : threads_) {
            if (thread.joinable()) thread.join();
        }
        return problems_;
    }

private:
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;  // guards what follows
    std::size_t ended_ = 0;
    std::string problems_;
    std::vector<std::thread> threads_;
};

// A client that reads what comes, piece by piece, and never waits for ever.
class Socket {
public:
    explicit Socket(const Endpoint& endpoint) {
        int problem = 0;
        fd_ = endpoint.connect(0, problem);
    }

    void send(std::string_view bytes) const { ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
    // A shorter answer: the connection has ended, or nothing came for too long.
    std::string receive(std::size_t size) {
        while (buffer_.size() < size && receive_more()) {
        }
        return take(size);
    }
    // To the end of the line, and without it; empty like receive().
    std::string line() {
        std::size_t end = buffer_.find('\n');
        while (end == std::string::npos && receive_more()) end = buffer_.find('\n');
        if (end == std::string::npos) return {};
        std::string line = take(end + 1);
        line.pop_back();
        if (!line.empty() && line.back() == '\r') line.pop_back();
        return line;
    }
    std::uint16_t port() const {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }
    bool readable() const {
        pollfd wanted{fd_.get(), POLLIN, 0};
        return !buffer_.empty() || ::poll(&wanted, 1, 20) == 1;
    }

private:
    bool receive_more() {
        pollfd wanted{fd_.get(), POLLIN, 0};
        std::array<char, 4096> bytes;
        if (::poll(&wanted, 1, std::chrono::milliseconds(patience).count()) != 1) return false;
        const ssize_t count = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
        if (count <= 0) return false;
        buffer_.append(bytes.data(), static_cast<std::size_t>(count));
        return true;
    }
    std::string take(std::size_t size) {
        std::string taken = buffer_.substr(0, size);
        buffer_.erase(0, taken.size());
        return taken;
    }

    UniqueFd fd_;
    std::string buffer_;
};

// Reloads that must succeed, each when the one before has ended, and no connection may have been closed.
void reload_many(Instance& instance) {
    for (unsigned i = 0; i < reloads; ++i) {
        const Outcome reloaded = instance.reload({"--drained", "--json"});
        INFO(reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
        CHECK(nlohmann::json::parse(reloaded.out).at("connections").at("closed") == 0);
    }
}

// As in /proc/net/tcp: ":1F90".
std::string port_text(std::uint16_t port) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), ":%04X", port);
    return text.data();
}

// What of 127.0.0.1:`from` waits to be taken by the socket of `to`, in bytes (proc(5), /proc/net/tcp).
unsigned long unsent(std::uint16_t from, std::uint16_t to) {
    std::istringstream table(read_file("/proc/net/tcp"));
    const std::string local = port_text(from);
    const std::string remote = port_text(to);
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string number, ours, theirs, state, queues;
        fields >> number >> ours >> theirs >> state >> queues;
        if (ours.ends_with(local) && theirs.ends_with(remote)) return std::stoul(queues, nullptr, 16);
    }
    return 0;
}

// So many who hear everything that is said in a chat, until all have heard `last`.
class Crowd {
public:
    Crowd(const Endpoint& endpoint, unsigned count) : members_(count) {
        for (Member& member : members_) {
            int problem = 0;
            member.socket = endpoint.connect(0, problem);
        }
    }
    // How many have heard a line, or the end of their connection, once all have or nothing comes any more.
    unsigned hear(const std::string& line) {
        std::vector<pollfd> wanted;
        for (const Member& member : members_) wanted.push_back({member.socket.get(), POLLIN, 0});
        const auto hears = [&](const pollfd& one) { return one.fd >= 0; };
        while (std::any_of(wanted.begin(), wanted.end(), hears) &&
               ::poll(wanted.data(), wanted.size(), std::chrono::milliseconds(patience).count()) > 0) {
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                if (wanted[i].revents != 0 && members_[i].has(line)) wanted[i].fd = -1;
            }
        }
        return static_cast<unsigned>(
            std::count_if(members_.begin(), members_.end(),
                          [&](const Member& member) { return member.heard.ends_with(line + "\n"); }));
    }

private:
    struct Member {
        UniqueFd socket;
        std::string heard;  // the end of it

        bool has(const std::string& line) {
            std::array<char, 16 * 1024> bytes;
            const ssize_t count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
            if (count <= 0) return true;
            heard.append(bytes.data(), static_cast<std::size_t>(count));
            heard.erase(0, heard.size() - std::min<std::size_t>(heard.size(), 200));
            return heard.ends_with(line + "\n");
        }
    };
    std::vector<Member> members_;
};

std::string with_body(const std::string& method, const std::string& path, const std::string& body) {
    return method + " " + path + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::string wrong(const std::string& what, const Answer& answer) {
    return what + ": status " + std::to_string(answer.status) + ", " + answer.error + ", " + answer.body;
}

// A text message of a client, masked with zeros (RFC 6455, 5.3), shorter than 126 bytes.
std::string frame(const std::string& text) {
    return std::string("\x81") + static_cast<char>(0x80U | text.size()) + std::string(4, '\0') + text;
}

// The next message of the server; empty: none came.
std::string message(Socket& socket) {
    const std::string header = socket.receive(2);
    if (header.size() != 2 || header[0] != '\x81') return {};
    return socket.receive(static_cast<unsigned char>(header[1]));
}

}  // namespace

TEST_CASE("notes, the example with a database and threads, loses none across reloads under load") {
    Instance instance{{.command = {examples_dir() + "/notes-server", "notes.db"}}};
    instance.start();
    const std::uint16_t port = instance.port();
    std::atomic<unsigned> stored{0};
    Clients clients(8, [&](unsigned number, const std::atomic<bool>& stopping) -> std::string {
        HttpConnection connection(port);
        for (unsigned i = 0; !stopping; ++i) {
            const std::string text = std::to_string(number) + "-" + std::to_string(i);
            connection.send(with_body("POST", "/notes", nlohmann::json{{"text", text}}.dump()));
            const Answer added = connection.receive();
            if (added.status != 201) return wrong("POST", added);
            ++stored;
            const auto id = nlohmann::json::parse(added.body).at("id").get<std::int64_t>();
            connection.send(request("/notes/" + std::to_string(id), true));
            const Answer read = connection.receive();
            if (!read.ok() || nlohmann::json::parse(read.body).at("text") != text) return wrong("GET", read);
        }
        return {};
    });
    reload_many(instance);
    CHECK(clients.stop().empty());
    CHECK(stored > 0);
    const Answer bad = [&] {
        HttpConnection connection(port);
        connection.send(with_body("POST", "/notes", "no JSON"));
        return connection.receive();
    }();
    CHECK(bad.status == 400);
    CHECK(get(port, "/notes/none").status == 404);
}

TEST_CASE("chat, the example with its own protocol: everybody hears every line across reloads") {
    Instance instance{{.command = {examples_dir() + "/chat-server"}, .count = 1}};
    instance.start();
    const std::uint16_t port = instance.port();
    constexpr unsigned listeners = 20;
    std::atomic<unsigned> heard{0};
    std::atomic<unsigned> joined{0};
    Clients speaker(1, [&](unsigned, const std::atomic<bool>& stopping) -> std::string {
        while (joined < listeners && !stopping) std::this_thread::yield();
        Socket socket(port);
        socket.send("/name alice\n");
        for (unsigned i = 0; !stopping; ++i) {
            socket.send(std::to_string(i) + "\n");
            const std::string line = socket.line();
            if (line != "alice: " + std::to_string(i)) return "said " + std::to_string(i) + ", heard " + line;
        }
        socket.send("the end\n");
        return socket.line() == "alice: the end" ? "" : "was not heard at the end";
    });
    Clients crowd(listeners, [&](unsigned, const std::atomic<bool>&) -> std::string {
        Socket socket(port);
        socket.send("here\n");
        while (socket.line() != "somebody: here") {
        }
        ++joined;
        for (unsigned i = 0;;) {
            const std::string line = socket.line();
            if (line == "somebody: here") continue;
            if (line == "alice: the end") return "";
            if (line != "alice: " + std::to_string(i))
                return "expected line " + std::to_string(i) + ", heard \"" + line + "\"";
            ++i;
            ++heard;
        }
    });
    REQUIRE(eventually([&] { return heard > listeners; }));
    reload_many(instance);
    CHECK(speaker.stop().empty());
    CHECK(crowd.stop().empty());
}

TEST_CASE("chat loses nobody of a full room over a reload, though one reads slowly and goes on talking") {
    Instance instance{{.command = {examples_dir() + "/chat-server"}, .count = 1}};
    instance.start();
    const std::uint16_t port = instance.port();
    Socket slow(port);
    {
        // Until the kernel takes no more for the slow one, and the worker has to keep some.
        Socket talker(port);
        const std::string line = std::string(3'000, 'y') + "\n";
        unsigned long waits = 0;
        REQUIRE(eventually([&] {
            for (int i = 0; i < 10; ++i) {
                talker.send(line);
                if (talker.line().size() < line.size()) return true;  // found out below
            }
            return std::exchange(waits, unsent(port, slow.port())) == waits && waits > 0;
        }));
    }
    constexpr unsigned members = 600;
    Crowd crowd(port, members);
    Socket alice(port);
    alice.send("/name alice\nhere\n");
    REQUIRE(crowd.hear("alice: here") == members);
    // Short lines, so many of them that they come in many turns.
    std::string lines;
    for (int i = 0; i < 1'000; ++i) lines += "x\n";
    alice.send(lines + "done\n");
    REQUIRE(crowd.hear("alice: done") == members);

    // So that it talks in the midst of the move; no more than may wait for it.
    std::atomic<bool> talks = true;
    std::thread slow_talks([&] {
        for (int i = 0; i < 8'000 && talks; ++i) {
            slow.send("x\n");
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
    });
    Child reload(instance.sandbox()->command({"reload", instance.config.name, "--drained", "--json"}));
    const bool is_last = eventually([&] {
        if (!reload.running()) return true;  // which fails below
        const InstanceStatus now = instance.status();
        const GenerationStatus* old = now.generation(1);
        return old != nullptr && old->state == "draining" && old->connections() == 1;
    });
    CHECK(is_last);
    talks = false;
    slow_talks.join();
    while (reload.running()) {
        if (slow.readable()) slow.line();
    }
    const Outcome reloaded = reload.wait();
    INFO(reloaded.text() << instance.log());
    REQUIRE(reloaded.exit_code == 0);
    CHECK(nlohmann::json::parse(reloaded.out).at("connections").at("closed") == 0);
    alice.send("the end\n");
    CHECK(crowd.hear("alice: the end") == members);
    slow.send("me, too\n");
    CHECK(crowd.hear("somebody: me, too") == members);
}

TEST_CASE("files, the example with ranges and uploads, serves whole files over reloads under load") {
    Instance instance{{.command = {examples_dir() + "/files-server", "."}}};
    std::string content;
    for (unsigned i = 0; content.size() < 1'000'000; ++i) content += std::to_string(i) + "\n";
    write_file(instance.path("numbers.txt"), content);
    instance.start();
    const std::uint16_t port = instance.port();
    Clients clients(8, [&](unsigned number, const std::atomic<bool>& stopping) -> std::string {
        HttpConnection connection(port);
        const std::string mine = "/upload-" + std::to_string(number) + ".txt";
        for (std::size_t i = 0; !stopping; ++i) {
            connection.send("GET /numbers.txt HTTP/1.1\r\nHost: test\r\nRange: bytes=" + std::to_string(i) +
                            "-500000\r\n\r\n");
            const Answer part = connection.receive();
            if (part.status != 206 || part.body != content.substr(i, 500'001 - i))
                return wrong("GET", part).substr(0, 200);
            connection.send(with_body("PUT", mine, content.substr(i)));
            const Answer saved = connection.receive();
            if (saved.status != 201) return wrong("PUT", saved);
            connection.send(request(mine, true));
            const Answer again = connection.receive();
            if (!again.ok() || again.body != content.substr(i))
                return wrong("GET of what was put", again).substr(0, 200);
        }
        return {};
    });
    reload_many(instance);
    CHECK(clients.stop().empty());
    CHECK(get(port, "/..%2Ftest.json").status == 404);
    CHECK(get(port, "/.sup").status == 404);
}

TEST_CASE("events, the example of a stream: it ends cleanly at a reload, and resumes where it was") {
    Instance instance{{.command = {examples_dir() + "/events-server"}}};
    instance.start();
    const std::uint16_t port = instance.port();
    Clients clients(8, [&](unsigned, const std::atomic<bool>& stopping) -> std::string {
        long last = 0;
        while (!stopping) {
            HttpConnection connection(port);
            connection.send("GET /events HTTP/1.1\r\nHost: test\r\nLast-Event-ID: " + std::to_string(last) +
                            "\r\n\r\n");
            const Answer stream = connection.receive(2 * patience);
            if (!stream.ok() || !stream.error.empty()) return wrong("stream", stream);
            for (std::size_t at = stream.body.find("id: "); at != std::string::npos;
                 at = stream.body.find("id: ", at + 1)) {
                const long id = std::stol(stream.body.substr(at + 4));
                if (last != 0 && id != last + 1)
                    return "after " + std::to_string(last) + " came " + std::to_string(id);
                last = id;
            }
        }
        return {};
    });
    reload_many(instance);
    // The streams that are open now end with their workers, too.
    CHECK(eventually([&] {
        const bool ended = clients.asked_to_stop_and_ended();
        if (!ended) CHECK(instance.reload({"--drained"}).exit_code == 0);
        return ended;
    }));
    CHECK(clients.stop().empty());
}

TEST_CASE("websocket, the example of an upgrade: sessions and their counts survive reloads") {
    Instance instance{{.command = {examples_dir() + "/websocket-server"}}};
    instance.start();
    const std::uint16_t port = instance.port();
    std::atomic<unsigned> generation{0};
    Clients clients(16, [&](unsigned, const std::atomic<bool>& stopping) -> std::string {
        Socket socket(port);
        socket.send(
            "GET /socket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        if (socket.line() != "HTTP/1.1 101 Switching Protocols") return "no upgrade";
        bool accepted = false;  // with the answer to this key that RFC 6455 gives
        for (std::string line = socket.line(); !line.empty(); line = socket.line())
            accepted = accepted || line == "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        if (!accepted) return "the key was not answered";
        for (unsigned i = 1; !stopping; ++i) {
            const std::string whole = frame("message " + std::to_string(i));
            // In two pieces: the worker may be changed in between.
            socket.send(whole.substr(0, 5));
            std::this_thread::yield();
            socket.send(whole.substr(5));
            const std::string answer = message(socket);
            const auto json = nlohmann::json::parse(answer, nullptr, false);
            if (!json.is_object() || json["count"] != i)
                return "message " + std::to_string(i) + ": " + answer;
            generation = std::max(generation.load(), json["generation"].get<unsigned>());
        }
        return {};
    });
    REQUIRE(eventually([&] { return generation > 0; }));
    reload_many(instance);
    REQUIRE(eventually([&] { return generation == reloads + 1; }));
    CHECK(clients.stop().empty());
}

}  // namespace sup::test
