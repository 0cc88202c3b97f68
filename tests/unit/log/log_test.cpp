#include "master/log/log.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "common/unique_fd.h"
#include "tests/catch.h"
#include "tests/skip.h"

namespace {

using sup::Log;
using sup::config::LogFormat;
using sup::config::LogLevel;

class Folder {
public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "sup-log-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string file(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

std::vector<std::string> lines_of(const std::string& file) {
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

Log open(const std::string& file, LogLevel level, LogFormat format) {
    auto log = Log::open({level, format, file, false});
    REQUIRE(log.ok());
    return std::move(*log);
}

// Whatever a reader gets when it reads as much as there is, until nothing more comes.
std::vector<nlohmann::json> read_while_flushing(int reader, Log& log) {
    std::string text;
    std::array<char, 65536> buffer{};
    for (bool more = true; more;) {
        more = false;
        log.flush();
        for (ssize_t size = 0; (size = ::read(reader, buffer.data(), buffer.size())) > 0; more = true)
            text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    std::vector<nlohmann::json> entries;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();  // a terminal's
        entries.push_back(nlohmann::json::parse(line));
    }
    return entries;
}

// The entries that came, and those that were lost.
std::size_t count_all(const std::vector<nlohmann::json>& entries) {
    std::size_t count = 0;
    for (const auto& entry : entries) {
        const std::string message = entry["message"];
        const bool notice = message.find("of the log w") != std::string::npos;
        count += notice ? std::stoul(message) : 1;
    }
    return count;
}

}  // namespace

TEST_CASE("entries below the level are left out, but never what a worker prints") {
    Folder folder;
    Log log = open(folder.file("log"), LogLevel::error, LogFormat::text);
    log.info("hidden");
    log.error("shown");
    log.worker_line({2, 0, 4711, "stderr"}, "its words");
    log.flush();
    const auto lines = lines_of(folder.file("log"));
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find("shown") != std::string::npos);
    CHECK(lines[1].find("worker 2/0 pid 4711 stderr: its words") != std::string::npos);
}

TEST_CASE("a JSON entry is one valid object, whatever it says") {
    Folder folder;
    Log log = open(folder.file("log"), LogLevel::info, LogFormat::json);
    log.info("a \"quote\", a % and a {}", "brace");
    log.worker_line({2, 1, 4711, "stdout"}, "100 %v \\ \"x\"");
    log.flush();
    const auto lines = lines_of(folder.file("log"));
    REQUIRE(lines.size() == 2);
    const auto entry = nlohmann::json::parse(lines[0]);
    CHECK(entry["message"] == "a \"quote\", a % and a brace");
    CHECK(entry["level"] == "info");
    CHECK(entry["time"].is_string());
    const auto output = nlohmann::json::parse(lines[1]);
    CHECK(output["message"] == "100 %v \\ \"x\"");
    CHECK(output["generation"] == 2);
    CHECK(output["slot"] == 1);
    CHECK(output["pid"] == 4711);
    CHECK(output["stream"] == "stdout");
}

TEST_CASE("after a rotation, reopening writes to the new file, which is private") {
    Folder folder;
    Log log = open(folder.file("log"), LogLevel::info, LogFormat::text);
    log.info("before");
    std::filesystem::rename(folder.file("log"), folder.file("log.1"));
    REQUIRE(log.reopen().ok());
    log.info("after");
    CHECK(lines_of(folder.file("log.1")).size() == 1);
    CHECK(lines_of(folder.file("log")).size() == 1);
    struct stat info {};
    REQUIRE(::stat(folder.file("log").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a log that has a bound is begun anew at it, and the one before is kept") {
    Folder folder;
    auto log = Log::open(
        {.level = LogLevel::info, .file = folder.file("log"), .redirect_stdio = false, .bounds = {1000, 1}});
    REQUIRE(log.ok());
    for (int entry = 0; entry < 100; ++entry) {
        log->info("entry {}", entry);
        CHECK(std::filesystem::file_size(folder.file("log")) <= 1000);
    }
    CHECK(std::filesystem::file_size(folder.file("log.1")) > 900);
    CHECK(lines_of(folder.file("log")).back().find("entry 99") != std::string::npos);
    // A file that was there already counts.
    auto again = Log::open(
        {.level = LogLevel::info, .file = folder.file("log.1"), .redirect_stdio = false, .bounds = {900, 1}});
    REQUIRE(again.ok());
    again->info("first");
    CHECK(lines_of(folder.file("log.1")).size() == 1);
}

TEST_CASE("a link in the log's place is followed only where root or this user made it") {
    Folder folder;
    std::ofstream(folder.file("target")) << "before\n";
    std::filesystem::create_symlink("target", folder.file("log"));
    open(folder.file("log"), LogLevel::info, LogFormat::text).info("through a link");
    CHECK(lines_of(folder.file("target")).size() == 2);
    std::filesystem::create_symlink("log", folder.file("round"));
    std::filesystem::create_symlink("circle", folder.file("circle"));
    open(folder.file("round"), LogLevel::info, LogFormat::text).info("through two");
    CHECK(lines_of(folder.file("target")).size() == 3);
    CHECK_FALSE(Log::open({.file = folder.file("circle")}).ok());
    CHECK(Log::open({.file = "/dev/stderr"}).ok());
    if (::geteuid() != 0) return sup::test::skip("only root can give a link away");
    REQUIRE(::lchown(folder.file("log").c_str(), 65534, 65534) == 0);
    const auto refused = Log::open({.file = folder.file("log")});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("a symbolic link of user 65534") != std::string::npos);
    CHECK(lines_of(folder.file("target")).size() == 3);
}

TEST_CASE(
    "a log that moves says where it goes and where it was, whatever its level, each in its own format") {
    Folder folder;
    Log log = open(folder.file("old"), LogLevel::error, LogFormat::text);
    log.error("before");
    auto next = sup::LogDestination::prepare(folder.file("new"), {});
    REQUIRE(next.ok());
    CHECK(log.file() == folder.file("old"));
    REQUIRE(log.move_to(std::move(*next), LogLevel::error, LogFormat::json).ok());
    log.error("after");
    CHECK(log.file() == folder.file("new"));
    const auto before = lines_of(folder.file("old"));
    REQUIRE(before.size() == 2);
    CHECK(before[1].find("the log continues in " + folder.file("new")) != std::string::npos);
    const auto after = lines_of(folder.file("new"));
    REQUIRE(after.size() == 2);
    const std::string first = nlohmann::json::parse(after[0])["message"];
    CHECK(first.find(folder.file("old")) != std::string::npos);
    CHECK(nlohmann::json::parse(after[1])["message"] == "after");
    // What is opened again, and what is begun anew at its bound, is the new one.
    std::filesystem::rename(folder.file("new"), folder.file("rotated"));
    REQUIRE(log.reopen().ok());
    log.set_bounds({100, 1});
    log.error("{}", std::string(60, 'x'));
    log.error("{}", std::string(60, 'x'));
    CHECK(std::filesystem::exists(folder.file("new.1")));
    CHECK(lines_of(folder.file("old")).size() == 2);
    CHECK_FALSE(sup::LogDestination::prepare(folder.file("none/log"), {}).ok());
}

TEST_CASE("the bound of one log is not the next one's") {
    Folder folder;
    auto log = Log::open({.file = folder.file("old"), .bounds = {1000, 1}});
    REQUIRE(log.ok());
    std::ofstream(folder.file("new")) << std::string(2000, 'x');
    std::ofstream(folder.file("new.1")) << "rotated by somebody else";
    auto next = sup::LogDestination::prepare(folder.file("new"), {});
    REQUIRE(next.ok());
    REQUIRE(log->move_to(std::move(*next), LogLevel::info, LogFormat::text).ok());
    log->info("after");
    CHECK(lines_of(folder.file("new.1")) == std::vector<std::string>{"rotated by somebody else"});
    CHECK(std::filesystem::file_size(folder.file("new")) > 2000);
}

TEST_CASE("standard output and error go along with a log that they follow") {
    Folder folder;
    const sup::UniqueFd out{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
    const sup::UniqueFd err{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)};
    std::fflush(stdout);
    ssize_t written = 0;
    {
        auto log = Log::open({.file = folder.file("old"), .redirect_stdio = true});
        auto next = sup::LogDestination::prepare(folder.file("new"), {});
        if (log.ok() && next.ok() && log->move_to(std::move(*next), LogLevel::info, LogFormat::text).ok())
            written = ::write(STDOUT_FILENO, "out\n", 4) + ::write(STDERR_FILENO, "err\n", 4);
    }
    ::dup2(out.get(), STDOUT_FILENO);
    ::dup2(err.get(), STDERR_FILENO);
    CHECK(written == 8);
    const auto lines = lines_of(folder.file("new"));
    REQUIRE(lines.size() == 3);
    CHECK(lines[1] == "out");
    CHECK(lines[2] == "err");
}

TEST_CASE("a log that cannot be reopened goes on in its old file") {
    Folder folder;
    std::filesystem::create_directory(folder.file("sub"));
    const std::string file = folder.file("sub/log");
    Log log = open(file, LogLevel::info, LogFormat::text);
    std::filesystem::rename(folder.file("sub"), folder.file("moved"));
    CHECK_FALSE(log.reopen().ok());
    log.info("still here");
    CHECK(lines_of(folder.file("moved/log")).size() == 1);
}

TEST_CASE("a file that cannot be opened is an error that names it") {
    const auto log = Log::open({LogLevel::info, LogFormat::text, "/nonexistent/folder/log", false});
    REQUIRE_FALSE(log.ok());
    CHECK(log.error().message.find("/nonexistent/folder/log") != std::string::npos);
}

TEST_CASE("an entry for who debugs is not even put together when it is not written") {
    Folder folder;
    int made = 0;
    const auto text = [&] { return "entry " + std::to_string(++made); };
    Log log = open(folder.file("log"), LogLevel::info, LogFormat::text);
    log.debug(text);
    CHECK(made == 0);
    log.configure(LogLevel::debug, LogFormat::text);
    log.debug(text);
    CHECK(made == 1);
}

TEST_CASE("those who watch see the master's own entries from info on, whatever the level of the file") {
    Folder folder;
    Log log = open(folder.file("log"), LogLevel::error, LogFormat::text);
    std::vector<std::string> seen;
    log.set_listener([&](LogLevel, std::string_view message) { seen.emplace_back(message); });
    log.debug([] { return "debug"; });
    log.info("info");
    log.worker_line({1, 0, 1, "stdout"}, "output");
    CHECK(seen == std::vector<std::string>{"info"});
}

TEST_CASE(
    "a reader that stands still loses lines and stops nobody, and is told how many, in the log's format") {
    Folder folder;
    const std::string fifo = folder.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const sup::UniqueFd reader{::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    Log log = open(fifo, LogLevel::info, LogFormat::json);
    // More than a pipe, and the part of the queue that is for the master's own lines, hold.
    const int sent = 20'000;
    for (int i = 0; i < sent; ++i) log.info("{}", std::string(100, 'x'));
    CHECK(count_all(read_while_flushing(reader.get(), log)) == std::size_t{sent});
    log.info("again");
    CHECK(read_while_flushing(reader.get(), log).back()["message"] == "again");
}

TEST_CASE(
    "what is lost is counted where it is missing, and the master's own lines find room beside a full queue") {
    Folder folder;
    const std::string fifo = folder.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const sup::UniqueFd reader{::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    auto log = Log::open({.format = LogFormat::json, .file = fifo, .queue_bytes = std::size_t{128} * 1024});
    REQUIRE(log.ok());
    const int sent = 10'000;
    for (int i = 0; i < sent; ++i) {
        log->worker_line({1, 0, 1, "stdout"}, std::string(50, 'x'));
        log->flush();
    }
    CHECK(log->full());
    log->info("the master speaks");
    const auto entries = read_while_flushing(reader.get(), *log);
    CHECK_FALSE(log->full());
    CHECK(count_all(entries) == std::size_t{sent} + 1);
    CHECK(std::ranges::any_of(entries, [](const auto& e) { return e["message"] == "the master speaks"; }));
    CHECK(std::string(entries.back()["message"]).find("of the log were lost") != std::string::npos);
}

TEST_CASE("a descriptor that others share is written to without waiting, and keeps its flags") {
    std::array<int, 2> ends{-1, -1};
    SECTION("a pipe") {
        REQUIRE(::pipe(ends.data()) == 0);
    }
    SECTION("a socket") {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    }
    SECTION("a terminal") {
        ends[0] = ::posix_openpt(O_RDWR | O_NOCTTY);
        REQUIRE(ends[0] >= 0);
        REQUIRE((::grantpt(ends[0]) == 0 && ::unlockpt(ends[0]) == 0));
        ends[1] = ::open(::ptsname(ends[0]), O_RDWR | O_NOCTTY);
    }
    const sup::UniqueFd reader{ends[0]};
    const sup::UniqueFd writer{ends[1]};
    REQUIRE(writer);
    {
        Log log = open("/dev/fd/" + std::to_string(writer.get()), LogLevel::info, LogFormat::json);
        for (int i = 0; i < 20'000; ++i) log.info("{}", std::string(100, 'x'));
        CHECK((::fcntl(writer.get(), F_GETFL) & O_NONBLOCK) == 0);
        REQUIRE(::fcntl(reader.get(), F_SETFL, O_NONBLOCK) == 0);
        CHECK(count_all(read_while_flushing(reader.get(), log)) == 20'000);
    }
    CHECK(::fcntl(writer.get(), F_GETFD) == 0);
}

TEST_CASE("names of an own descriptor are that descriptor, and no other descriptor of sup's") {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(::pipe(ends.data()) == 0);
    const sup::UniqueFd reader{ends[0]};
    const sup::UniqueFd writer{ends[1]};
    Folder folder;
    const std::string number = std::to_string(writer.get());
    std::filesystem::create_symlink("/dev/fd/" + number, folder.file("link"));
    for (const std::string& name : {"/dev/fd/" + number, "/proc/self/fd/" + number, folder.file("link")}) {
        open(name, LogLevel::info, LogFormat::text).info("by {}", name);
        std::string text(1000, '\0');
        const ssize_t size = ::read(reader.get(), text.data(), text.size());
        CHECK(text.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0))).find(name) !=
              std::string::npos);
    }
    CHECK_FALSE(Log::open({.file = "/dev/fd/" + std::to_string(reader.get())}).ok());
    CHECK_FALSE(Log::open({.file = "/dev/fd/999"}).ok());
    REQUIRE(::fcntl(writer.get(), F_SETFD, FD_CLOEXEC) == 0);
    CHECK_FALSE(Log::open({.file = "/dev/fd/" + number}).ok());
}

TEST_CASE("what another process has open without a name is the log: a pipe, a file that was removed") {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const sup::UniqueFd reader{ends[0]};
    sup::UniqueFd writer{ends[1]};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const sup::UniqueFd socket{ends[0]};
    const sup::UniqueFd peer{ends[1]};
    Folder folder;
    const sup::UniqueFd removed{::open(folder.file("removed").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    std::filesystem::remove(folder.file("removed"));
    const pid_t other = ::fork();
    if (other == 0) {
        for (;;) ::pause();
    }
    const auto file = [&](int fd) { return "/proc/" + std::to_string(other) + "/fd/" + std::to_string(fd); };
    std::filesystem::create_symlink(file(writer.get()), folder.file("link"));
    for (const std::string& name : {file(writer.get()), folder.file("link")}) {
        open(name, LogLevel::info, LogFormat::text).info("by {}", name);
        std::string text(1000, '\0');
        const ssize_t size = ::read(reader.get(), text.data(), text.size());
        CHECK(text.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0))).find(name) !=
              std::string::npos);
    }
    open(file(removed.get()), LogLevel::info, LogFormat::text).info("kept");
    CHECK(::lseek(removed.get(), 0, SEEK_END) > 0);
    CHECK_FALSE(std::filesystem::exists(folder.file("removed (deleted)")));
    const auto refused = Log::open({.file = file(socket.get())});
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, Catch::Contains("it is a socket of another process"));
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
}

TEST_CASE("a file that was removed or moved away is opened again, and its bound holds") {
    Folder folder;
    const std::string file = folder.file("log");
    auto log = Log::open({.file = file, .bounds = {1000, 2}});
    REQUIRE(log.ok());
    for (int round = 0; round < 3; ++round) {
        log->info("before");
        if (round == 1) {
            std::filesystem::rename(file, folder.file("elsewhere"));
            std::this_thread::sleep_for(std::chrono::milliseconds(120));  // it looks every 100 ms
        } else {
            std::filesystem::remove(file);
        }
        for (int entry = 0; entry < 50; ++entry) log->info("entry {}", entry);
        REQUIRE(std::filesystem::exists(file));
        CHECK(std::filesystem::file_size(file) <= 1000);
        CHECK(lines_of(file).back().find("entry 49") != std::string::npos);
    }
    CHECK(std::filesystem::exists(file + ".2"));
    CHECK_FALSE(std::filesystem::exists(file + ".3"));
    CHECK(lines_of(folder.file("elsewhere")).back().find("before") != std::string::npos);
}

TEST_CASE("without a number of files to keep, a full file is started again") {
    Folder folder;
    auto log = Log::open({.file = folder.file("log"), .bounds = {1000, 0}});
    REQUIRE(log.ok());
    for (int entry = 0; entry < 50; ++entry) log->info("entry {}", entry);
    CHECK(std::filesystem::file_size(folder.file("log")) <= 1000);
    CHECK_FALSE(std::filesystem::exists(folder.file("log.1")));
}

TEST_CASE("a file that can grow no further loses whole lines only, and says how many") {
    Folder folder;
    Log log = open(folder.file("log"), LogLevel::info, LogFormat::json);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1000, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    for (int i = 0; i < 50; ++i) log.info("entry {}", i);
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
    log.info("again");
    std::vector<nlohmann::json> entries;
    for (const std::string& line : lines_of(folder.file("log")))
        entries.push_back(nlohmann::json::parse(line));
    CHECK(count_all(entries) == 51);
    CHECK(entries.back()["message"] == "again");
}

TEST_CASE("an entry of several lines is one JSON object, and several entries of text") {
    Folder folder;
    open(folder.file("json"), LogLevel::info, LogFormat::json).info("one\ntwo\033[2J\u202e");
    open(folder.file("text"), LogLevel::info, LogFormat::text).info("one\ntwo\033[2J\u202e");
    REQUIRE(lines_of(folder.file("json")).size() == 1);
    CHECK(nlohmann::json::parse(lines_of(folder.file("json"))[0])["message"] ==
          "one\ntwo\\x1b[2J\\xe2\\x80\\xae");
    REQUIRE(lines_of(folder.file("text")).size() == 2);
    CHECK(lines_of(folder.file("text"))[1].find("info    two\\x1b[2J\\xe2\\x80\\xae") != std::string::npos);
}

TEST_CASE("no file of a log is larger than its bound, however much comes at once") {
    const Folder folder;
    {
        auto log = Log::open({.file = folder.file("log"), .redirect_stdio = false, .bounds = {1000, 3}});
        REQUIRE(log.ok());
        for (int i = 0; i < 60; ++i) log->worker_line({1, 0, 1, "stdout"}, std::string(80, 'x'));
        log->flush();
    }
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder.file("."))) {
        ++files;
        CHECK(file.file_size() <= 1000);
    }
    CHECK(files == 4);
}

TEST_CASE("no component of the way to a log is another user's link") {
    if (::geteuid() != 0) return sup::test::skip("only root can give a link away");
    Folder folder;
    std::filesystem::create_directory(folder.file("target"));
    std::filesystem::create_directory_symlink("target", folder.file("way"));
    open(folder.file("way/log"), LogLevel::info, LogFormat::text).info("by root's link");
    CHECK(lines_of(folder.file("target/log")).size() == 1);
    REQUIRE(::lchown(folder.file("way").c_str(), 65534, 65534) == 0);
    const auto refused = Log::open({.file = folder.file("way/log")});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("a symbolic link of user 65534") != std::string::npos);
}

TEST_CASE("a pipe that nobody reads yet is an error and no wait") {
    Folder folder;
    REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
    CHECK_FALSE(Log::open({LogLevel::info, LogFormat::text, folder.file("fifo"), false}).ok());
}
