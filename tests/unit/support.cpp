#include "tests/unit/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/catch.h"

namespace sup::test {
namespace {

constexpr std::chrono::seconds deadline{60};

}  // namespace

void write_file(const std::string& path, const std::string& bytes, unsigned mode) {
    std::ofstream{path, std::ios::binary} << bytes;
    REQUIRE(::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0);
}

std::string read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

void copy_file(const std::string& from, const std::string& to, const std::string& appended) {
    write_file(to, read_file(from) + appended, 0755);
}

Pipe make_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

std::string read_to_end(int fd) {
    std::string bytes;
    const auto end = std::chrono::steady_clock::now() + deadline;
    std::array<char, 4096> buffer{};
    while (std::chrono::steady_clock::now() < end) {
        pollfd wanted{fd, POLLIN, 0};
        if (::poll(&wanted, 1, 1000) <= 0) continue;
        const ssize_t size = ::read(fd, buffer.data(), buffer.size());
        if (size == 0) return bytes;
        if (size > 0) bytes.append(buffer.data(), static_cast<std::size_t>(size));
    }
    FAIL("no end-of-file in time, got: " << bytes);
    return bytes;
}

bool run_until(uv::Loop& loop, const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    uv::Timer tick;
    // So that conditions outside of the loop are looked at, too.
    tick = uv::Timer(loop.get(), [&tick] { tick.arm(Duration{10}); });
    tick.arm(Duration{10});
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        uv_run(loop.get(), UV_RUN_ONCE);
    }
    return true;
}

bool wait_until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

std::vector<int> open_descriptors() {
    std::vector<int> numbers;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir("/proc/self/fd"), ::closedir};
    while (const dirent* entry = ::readdir(directory.get())) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != ::dirfd(directory.get())) numbers.push_back(fd);
    }
    return numbers;
}

bool process_exists(pid_t pid) {
    return ::kill(pid, 0) == 0 || errno == EPERM;
}

int wait_for_exit(pid_t pid) {
    int status = -1;
    REQUIRE(wait_until([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }));
    return status;
}

std::string as_nobody(const std::function<std::string()>& body) {
    constexpr id_t nobody = 65534;
    Pipe result = make_pipe();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::string text = "an exception";
        try {
            const bool is_root = ::geteuid() == 0;
            if (!is_root || (::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0))
                text = body();
        } catch (...) {  // Catch2 ends a test that has failed so
        }
        ::_exit(::write(result.writer.get(), text.data(), text.size()) < 0 ? 1 : 0);
    }
    result.writer.reset();
    std::string text = read_to_end(result.reader.get());
    CHECK(wait_for_exit(child) == 0);
    return text;
}

std::string own_name(int socket) {
    sockaddr_un name{};
    socklen_t size = sizeof name;
    REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) == 0);
    return name.sun_path;
}

SpawnRequest Command::request(int standard_output, int standard_error) const {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return {.executable = *executable,
            .directory = *directory,
            .arguments = arguments,
            .environment = environment,
            .listeners = listeners,
            .standard_input = {},
            .standard_output = standard_output,
            .standard_error = standard_error,
            .extra = {},
            .descriptor_limit = limit};
}

Command command(std::vector<std::string> arguments, const std::string& cwd) {
    Command made;
    auto executable = Executable::pin(arguments.at(0), made.environment);
    if (!executable) FAIL(executable.error().message);
    auto directory = PinnedDirectory::pin(cwd);
    if (!directory) FAIL(directory.error().message);
    made.executable = *executable;
    made.directory = *directory;
    made.arguments = std::move(arguments);
    return made;
}

Subreaper::Subreaper() {
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

Subreaper::~Subreaper() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

Spawned::Spawned(const Command& command, int standard_output) {
    auto spawned = spawn(command.request(standard_output, STDERR_FILENO));
    REQUIRE(spawned);
    process_ = std::move(*spawned);
}

Spawned::~Spawned() {
    end();
}

void Spawned::end() {
    if (process_.pid <= 0) return;
    ::kill(-process_.pid, SIGKILL);
    ::waitpid(process_.pid, nullptr, 0);
    process_.pid = -1;
}

std::string output_of(const Command& command) {
    Pipe pipe = make_pipe();
    auto spawned = spawn(command.request(pipe.writer.get(), STDERR_FILENO));
    if (!spawned) FAIL(spawned.error().message);
    pipe.writer.reset();
    std::string text = read_to_end(pipe.reader.get());
    CHECK(wait_for_exit(spawned->pid) == 0);
    return text;
}

}  // namespace sup::test
