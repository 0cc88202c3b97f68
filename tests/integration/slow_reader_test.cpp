// Whoever reads the log of `sup run` stands still for a while: a pipe, a socket, a terminal.
#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <regex>
#include <string>
#include <thread>
#include <utility>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

constexpr int lines_a_request = 200;

// Prints so many lines for each request before it answers, in the thread that serves.
const std::string talker = R"(
import os, signal, socket
listener = socket.socket(fileno=3)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
lines = (b"spoken " + b"y" * 92 + b"\n") * 200
while True:
    client, _ = listener.accept()
    client.recv(4096)
    rest = lines
    while rest:
        rest = rest[os.write(1, rest):]
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
    client.close()
)";

// What standard error of `sup run` is, and who reads it: nobody, until read_on().
class Reader {
public:
    explicit Reader(const std::string& kind) {
        std::array<int, 2> ends{-1, -1};
        if (kind == "pipe") REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        if (kind == "socket") REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        if (kind == "terminal") {
            REQUIRE(::openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr) == 0);
            for (const int fd : ends) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
            REQUIRE(::tcflow(ends[1], TCOOFF) == 0);  // as Ctrl-S does
            terminal_ = true;
        }
        own_ = UniqueFd{ends[0]};
        given_ = UniqueFd{ends[1]};
    }
    ~Reader() {
        if (thread_.joinable()) thread_.join();
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    int given() const { return given_.get(); }
    void read_on() {
        if (terminal_) ::tcflow(given_.get(), TCOON);
        given_.reset();
        thread_ = std::thread([this] {
            std::array<char, 65536> buffer{};
            for (;;) {
                const ssize_t size = ::read(own_.get(), buffer.data(), buffer.size());
                if (size <= 0) return;  // EIO: everybody has left the terminal
                const std::lock_guard lock(mutex_);
                text_.append(buffer.data(), static_cast<std::size_t>(size));
            }
        });
    }
    std::string so_far() {
        const std::lock_guard lock(mutex_);
        return text_;
    }
    // After everybody who writes there has ended.
    const std::string& all() {
        thread_.join();
        return text_;
    }

private:
    UniqueFd own_;
    UniqueFd given_;
    bool terminal_ = false;
    std::thread thread_;
    std::string text_;
    std::mutex mutex_;
};

Child run_with_log_to(const Instance& instance, int fd) {
    instance.write_config();
    Launch launch = instance.sandbox()->command({"run", instance.config_path().string()});
    launch.in_child = [fd] { ::dup2(fd, STDERR_FILENO); };
    return Child(launch);
}

long count_of(const std::string& text, const std::string& part) {
    long count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

// The sum of what the log says was lost of it.
long losses_in(const std::string& text) {
    static const std::regex said("([0-9]+) lines? of the log w(as|ere) lost: its reader did not take them");
    long lost = 0;
    for (std::sregex_iterator match(text.begin(), text.end(), said), end; match != end; ++match)
        lost += std::stol((*match)[1]);
    return lost;
}

// Lines that are no whole entry: of each the log's format can tell where it begins and ends.
long broken_lines_in(const std::string& text, const std::string& format) {
    static const std::regex entry(R"(\d{4}-\d\d-\d\dT[0-9:.]+Z (info   |warning|error  ) .*)");
    long broken = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        if (line.ends_with('\r')) line.pop_back();  // a terminal's line end
        at = end + 1;
        const bool whole = format == "json" ? line.starts_with("{\"time\":\"") && line.ends_with("\"}") &&
                                                  line.find("{\"time\"", 1) == std::string::npos
                                            : std::regex_match(line, entry);
        if (!whole) ++broken;
    }
    return broken;
}

}  // namespace

TEST_CASE("a log whose reader stands still cuts no service, and says afterwards how many lines it lost") {
    if (python().empty()) return skip("python3 is not installed");
    const std::string kind = GENERATE("pipe", "socket", "terminal");
    const std::string format = GENERATE("text", "json");
    INFO(kind << ", " << format);
    Reader reader(kind);
    Instance instance{{.command = {python(), "-c", talker},
                       .count = 1,
                       .log_file = "",
                       .log_format = format,
                       .log_when_slow = R"({"wait": "100ms", "queue": "256KiB"})"}};
    Child sup = run_with_log_to(instance, reader.given());
    REQUIRE(eventually([&] { return instance.sandbox()->sup({"status"}).exit_code == 0; }));
    const auto address = port_of(instance.wait_until_settled().addresses[0]);

    long printed = 0;
    const auto ask = [&](int times) {
        for (int i = 0; i < times; ++i) {
            REQUIRE(get(address).ok());
            printed += lines_a_request;
        }
    };
    ask(120);  // 2.4 MB: more than the pipes, the queue and whatever is in between take
    CHECK(instance.status().state == "running");
    const Outcome reload = instance.reload({"--drained"});
    INFO(reload.text());
    CHECK(reload.exit_code == 0);
    ask(10);
    CHECK(instance.status().state == "running");

    reader.read_on();
    ask(10);
    CHECK(instance.stop().exit_code == 0);
    CHECK(sup.wait().exit_code == 0);
    const std::string& log = reader.all();
    const long lost = losses_in(log);
    CHECK(lost > 0);
    CHECK(count_of(log, "spoken ") + lost == printed);
    CHECK(broken_lines_in(log, format) == 0);
    CHECK(count_of(log, "generation 2 is active") == 1);  // what the master itself says is not among the lost
}

TEST_CASE("no line is lost to a reader that comes back while workers may wait for it") {
    if (python().empty()) return skip("python3 is not installed");
    const std::string kind = GENERATE("pipe", "socket", "terminal");
    INFO(kind);
    Reader reader(kind);
    Instance instance{{.command = {python(), "-c", talker},
                       .count = 1,
                       .log_file = "",
                       .log_when_slow = R"({"wait": "forever", "queue": "256KiB"})"}};
    Child sup = run_with_log_to(instance, reader.given());
    REQUIRE(eventually([&] { return instance.sandbox()->sup({"status"}).exit_code == 0; }));
    const auto address = port_of(instance.wait_until_settled().addresses[0]);

    constexpr int requests = 120;
    std::atomic<int> answered = 0;
    std::thread client([&] {
        while (answered < requests && get(address).ok()) ++answered;
    });
    // Its worker waits once its pipe, the queue and the reader's buffer are full: no answer comes for a
    // while. Looking too early would only make the test easier.
    int seen = -1;
    CHECK(eventually([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        return std::exchange(seen, answered.load()) == answered.load();
    }));
    CHECK(answered < requests);
    CHECK(instance.status().state == "running");
    reader.read_on();
    client.join();
    CHECK(answered == requests);
    // A worker that is being stopped may not wait for the log: what it has printed before is there by then.
    CHECK(
        eventually([&] { return count_of(reader.so_far(), "spoken ") == long{requests} * lines_a_request; }));
    CHECK(instance.stop().exit_code == 0);
    CHECK(sup.wait().exit_code == 0);
    const std::string& log = reader.all();
    CHECK(count_of(log, "of the log w") == 0);
    CHECK(count_of(log, "spoken ") == long{requests} * lines_a_request);
    CHECK(broken_lines_in(log, "text") == 0);
}

}  // namespace sup::test
