// Whatever the master inherited, or did to itself, stays with the master.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "master/spawn/spawn.h"
#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using nlohmann::json;

namespace {

// Runs `body` in a process of its own, which may ruin it, and returns what the body returns.
std::string in_child(const std::function<std::string()>& body) {
    Pipe result = make_pipe();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // Out of the way of the low numbers, which bodies close.
        const int out = ::fcntl(result.writer.get(), F_DUPFD_CLOEXEC, 100);
        const std::string text = body();
        const ssize_t written = ::write(out, text.data(), text.size());
        ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    result.writer.reset();
    std::string text = read_to_end(result.reader.get());
    CHECK(wait_for_exit(child) == 0);
    return text;
}

// Spawns without the test framework's help, whose descriptors may be closed.
std::string report_from(const Command& worker) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "pipe";
    const auto spawned = spawn(worker.request(ends[1], ends[1]));
    if (!spawned) return spawned.error().message;
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(size));
    }
    ::waitpid(spawned->pid, nullptr, 0);
    return text;
}

}  // namespace

TEST_CASE("no descriptor of the master reaches a worker, with or without close-on-exec") {
    const Command worker = command({SPAWN_PROBE, "report"});
    std::vector<UniqueFd> leaky;
    for (int i = 0; i < 20; ++i) leaky.emplace_back(::open("/dev/zero", O_RDONLY));
    leaky.emplace_back(::fcntl(leaky.front().get(), F_DUPFD, 900));
    REQUIRE(leaky.back());
    const json report = json::parse(output_of(worker));
    CHECK(report["descriptors"].size() == 3);
    CHECK(report["descriptors"]["0"]["target"] == "/dev/null");
}

TEST_CASE("a worker starts with every signal unblocked and at its default") {
    const Command worker = command({SPAWN_PROBE, "report"});
    const std::string text = in_child([&] {
        // By the system call, so that those which the C library keeps to itself are ignored and blocked as
        // well.
        struct {
            void (*handler)(int);
            unsigned long rest[3];
        } ignore{SIG_IGN, {}};
        for (int number = 1; number <= 64; ++number) {
            if (number != SIGCHLD) ::syscall(SYS_rt_sigaction, number, &ignore, nullptr, 8);
        }
        const unsigned long long all = ~0ULL;
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, nullptr, 8);
        return report_from(worker);
    });
    const json signals = json::parse(text)["signals"];
    CHECK(signals["SigBlk"] == 0);
    CHECK(signals["SigIgn"] == 0);
}

TEST_CASE("a script gets no descriptor of the master either") {
    // Opened first, so that the lowest numbers are among them.
    std::vector<UniqueFd> leaky;
    for (int i = 0; i < 20; ++i) leaky.emplace_back(::open("/dev/zero", O_RDONLY));
    const TemporaryDirectory directory;
    write_file(directory.path() + "/worker", "#!/bin/sh\nexec " SPAWN_PROBE " report\n", 0755);
    const Command worker = command({directory.path() + "/worker"});
    CHECK(json::parse(output_of(worker))["descriptors"].size() == 3);
}

TEST_CASE("a signal handler of the master never runs in the child, which shares the master's memory") {
    const Command worker = command({"/bin/true"});
    const std::string text = in_child([&] {
        static pid_t master = 0;
        static volatile sig_atomic_t handled = 0;
        static volatile sig_atomic_t handled_elsewhere = 0;
        ::setpgid(0, 0);
        master = ::getpid();
        struct sigaction action {};
        action.sa_handler = [](int) { (::syscall(SYS_getpid) == master ? handled : handled_elsewhere) = 1; };
        action.sa_flags = SA_RESTART;
        ::sigaction(SIGUSR1, &action, nullptr);
        // A stream of signals to the whole group, which a child is in for its first moments.
        const pid_t sender = ::fork();
        if (sender == 0) {
            ::signal(SIGUSR1, SIG_IGN);
            while (::getppid() == master) ::kill(0, SIGUSR1);
            ::_exit(0);
        }
        for (int i = 0; i < 300; ++i) {
            const auto spawned = spawn(worker.request(STDOUT_FILENO, STDERR_FILENO));
            if (spawned) ::waitpid(spawned->pid, nullptr, 0);
        }
        ::kill(sender, SIGKILL);
        ::waitpid(sender, nullptr, 0);
        return std::string(handled ? "here" : "never") + (handled_elsewhere ? " and in the child" : "");
    });
    CHECK(text == "here");
}

TEST_CASE("the umask of the master is the worker's, too") {
    const Command worker = command({SPAWN_PROBE, "report"});
    const mode_t before = ::umask(0137);
    const json report = json::parse(output_of(worker));
    ::umask(before);
    CHECK(report["umask"] == 0137);
}

TEST_CASE("a worker has working standard descriptors when the master was started without any") {
    const std::string text = in_child([] {
        for (int fd = 0; fd <= 2; ++fd) ::close(fd);
        // From here on what the master opens gets the numbers 0, 1 and 2.
        const Command worker = command({SPAWN_PROBE, "report"});
        Command with_listener = worker;
        const UniqueFd listener{::socket(AF_INET, SOCK_STREAM, 0)};
        with_listener.listeners = {listener.get()};
        return report_from(with_listener);
    });
    const json descriptors = json::parse(text)["descriptors"];
    CHECK(descriptors.size() == 4);
    CHECK(descriptors["0"]["target"] == "/dev/null");
    CHECK_THAT(descriptors["1"]["target"].get<std::string>(), Catch::Matchers::StartsWith("pipe:"));
    CHECK(descriptors["2"]["target"] == descriptors["1"]["target"]);
    CHECK_THAT(descriptors["3"]["target"].get<std::string>(), Catch::Matchers::StartsWith("socket:"));
}

TEST_CASE("a worker may get a descriptor of its own, far from its listeners, and nothing between") {
    const Pipe output = make_pipe();
    const Pipe extra = make_pipe();
    const UniqueFd listener = UniqueFd{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    Command worker = command({SPAWN_PROBE, "report"});
    worker.listeners = {listener.get()};
    SpawnRequest request = worker.request(output.writer.get(), STDERR_FILENO);
    request.extra = {extra.writer.get(), 17};
    request.listen_pid = false;
    std::string text;
    {
        const auto spawned = spawn(request);
        REQUIRE(spawned);
        wait_for_exit(spawned->pid);
        text.resize(std::size_t{64} * 1024);
        const ssize_t size = ::read(output.reader.get(), text.data(), text.size());
        REQUIRE(size > 0);
        text.resize(static_cast<std::size_t>(size));
    }
    const json report = json::parse(text);
    CHECK(report["descriptors"].size() == 5);
    CHECK(report["descriptors"]["3"]["target"] == "/dev/zero");
    CHECK_THAT(report["descriptors"]["17"]["target"].get<std::string>(),
               Catch::Matchers::StartsWith("pipe:"));
    CHECK_FALSE(report["descriptors"]["17"]["close_on_exec"].get<bool>());
    for (const auto& entry : report["environment"])
        CHECK(entry.get<std::string>().rfind("LISTEN_PID", 0) != 0);
}

TEST_CASE("a worker's standard input may be a listener") {
    const Pipe output = make_pipe();
    const UniqueFd listener = UniqueFd{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    const Command worker = command({SPAWN_PROBE, "report"});
    SpawnRequest request = worker.request(output.writer.get(), STDERR_FILENO);
    request.standard_input = listener.get();
    const auto spawned = spawn(request);
    REQUIRE(spawned);
    wait_for_exit(spawned->pid);
    std::string text(std::size_t{64} * 1024, '\0');
    const ssize_t size = ::read(output.reader.get(), text.data(), text.size());
    REQUIRE(size > 0);
    const json report = json::parse(text.substr(0, static_cast<std::size_t>(size)));
    CHECK(report["descriptors"].size() == 3);
    CHECK(report["descriptors"]["0"]["target"] == "/dev/zero");
}
