#include "master/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/unique_fd.h"
#include "tests/catch.h"

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
    if (::geteuid() != 0) return;  // only root can give a link away
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
    CHECK(before[1].find("the log goes on in " + folder.file("new")) != std::string::npos);
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

TEST_CASE("those who watch see the master's own entries from info on, whatever the level of the file") {
    Folder folder;
    Log log = open(folder.file("log"), LogLevel::error, LogFormat::text);
    std::vector<std::string> seen;
    log.set_listener([&](LogLevel, std::string_view message) { seen.emplace_back(message); });
    log.debug("debug");
    log.info("info");
    log.worker_line({1, 0, 1, "stdout"}, "output");
    CHECK(seen == std::vector<std::string>{"info"});
}

TEST_CASE("a reader that stands still loses lines and stops nobody, and is told how many") {
    Folder folder;
    const std::string fifo = folder.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const sup::UniqueFd reader{::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    Log log = open(fifo, LogLevel::info, LogFormat::text);
    // Twenty times what a pipe and the part of the queue for the master's own lines hold.
    for (int i = 0; i < 200'000; ++i) log.info("{}", std::string(100, 'x'));

    std::string text(std::size_t{1} << 20, '\0');
    while (::read(reader.get(), text.data(), text.size()) > 0) {
    }
    log.info("again");
    const ssize_t size = ::read(reader.get(), text.data(), text.size());
    REQUIRE(size > 0);
    text.resize(static_cast<std::size_t>(size));
    CHECK(text.find("lines of the log were lost") != std::string::npos);
    CHECK(text.find("again") != std::string::npos);
}

TEST_CASE("a pipe that nobody reads yet is an error and no wait") {
    Folder folder;
    REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
    CHECK_FALSE(Log::open({LogLevel::info, LogFormat::text, folder.file("fifo"), false}).ok());
}
