#include "master/spawn/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using nlohmann::json;

namespace {

json report_of(const Command& command) {
    return json::parse(output_of(command));
}

UniqueFd marked_file(const std::string& name) {
    return UniqueFd{::memfd_create(name.c_str(), MFD_CLOEXEC)};
}

bool has_variable(const json& report, const std::string& entry) {
    const auto list = report["environment"].get<std::vector<std::string>>();
    return std::find(list.begin(), list.end(), entry) != list.end();
}

std::string spawn_error(const Command& command) {
    const auto spawned = spawn(command.request(STDOUT_FILENO, STDERR_FILENO));
    return spawned ? "no error" : spawned.error().message;
}

// What was fine when it was pinned, and is refused by exec.
Command command_without_interpreter() {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    write_file(directory.path() + "/interpreter", "#!/bin/sh\n", 0755);
    write_file(path, "#!" + directory.path() + "/interpreter\n", 0755);
    return command({path});
}

}  // namespace

TEST_CASE("a worker gets its arguments, its environment and its working directory") {
    const TemporaryDirectory directory;
    Command worker = command({SPAWN_PROBE, "report", "two words", ""}, directory.path());
    worker.environment = {"A=1", "B=x y"};
    const json report = report_of(worker);
    CHECK(report["arguments"] == json{SPAWN_PROBE, "report", "two words", ""});
    CHECK(report["environment"] == json{"A=1", "B=x y"});
    CHECK(report["cwd"] == std::filesystem::canonical(directory.path()).string());
    CHECK(report["executable"] == std::filesystem::canonical(SPAWN_PROBE).string());
}

TEST_CASE("a worker is a child that leads its own session, and so its own group") {
    Pipe pipe = make_pipe();
    const Command worker = command({SPAWN_PROBE, "report"});
    const auto spawned = spawn(worker.request(pipe.writer.get(), STDERR_FILENO));
    REQUIRE(spawned);
    pipe.writer.reset();
    const json report = json::parse(read_to_end(pipe.reader.get()));
    wait_for_exit(spawned->pid);
    CHECK(report["pid"] == spawned->pid);
    CHECK(report["group"] == spawned->pid);
    CHECK(report["parent"] == ::getpid());
    CHECK(report["session"] == report["pid"]);
}

TEST_CASE("listeners become descriptors 3, 4, … in their order, whatever their numbers were") {
    // Low numbers that are to be overwritten, in every order, with gaps between and above them.
    std::vector<int> numbers{3, 4, 5, 6};
    do {
        std::vector<UniqueFd> opened;
        for (int i = 0; i < 30; ++i) opened.push_back(marked_file("file" + std::to_string(i)));
        const int lowest = opened.front().get();
        Command worker = command({SPAWN_PROBE, "report"});
        std::vector<std::string> expected;
        for (const int number : numbers) {
            const std::size_t index = static_cast<std::size_t>(number == 6 ? 25 : number - 3);
            worker.listeners.push_back(opened[index].get());
            expected.push_back("/memfd:file" + std::to_string(index) + " (deleted)");
        }
        INFO("the lowest of the sources is " << lowest);
        const json descriptors = report_of(worker)["descriptors"];
        for (std::size_t i = 0; i < expected.size(); ++i) {
            CHECK(descriptors[std::to_string(3 + i)]["target"] == expected[i]);
            CHECK(descriptors[std::to_string(3 + i)]["close_on_exec"] == false);
        }
        CHECK(descriptors.size() == 3 + expected.size());
    } while (std::next_permutation(numbers.begin(), numbers.end()));
}

TEST_CASE("LISTEN_PID is the worker's own pid, and is set only with listeners") {
    Command worker = command({SPAWN_PROBE, "report"});
    json report = report_of(worker);
    CHECK(report["environment"].size() == worker.environment.size());
    const UniqueFd file = marked_file("listener");
    worker.listeners = {file.get()};
    report = report_of(worker);
    CHECK(has_variable(report, "LISTEN_PID=" + report["pid"].dump()));
    CHECK(report["environment"].size() == worker.environment.size() + 1);
}

TEST_CASE("stdout and stderr may be one descriptor, and any number") {
    Pipe pipe = make_pipe();
    const Command worker = command({"/bin/sh", "-c", "echo out; echo err >&2"});
    const auto spawned = spawn(worker.request(pipe.writer.get(), pipe.writer.get()));
    REQUIRE(spawned);
    pipe.writer.reset();
    CHECK(read_to_end(pipe.reader.get()) == "out\nerr\n");
    CHECK(wait_for_exit(spawned->pid) == 0);
}

TEST_CASE("a worker gets the descriptor limit that it is given") {
    Pipe pipe = make_pipe();
    const Command worker = command({SPAWN_PROBE, "report"});
    SpawnRequest request = worker.request(pipe.writer.get(), STDERR_FILENO);
    request.descriptor_limit = {77, 88};
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const auto spawned = spawn(request);
    REQUIRE(spawned);
    pipe.writer.reset();
    const json report = json::parse(read_to_end(pipe.reader.get()));
    wait_for_exit(spawned->pid);
    rlimit after{};
    ::getrlimit(RLIMIT_NOFILE, &after);
    CHECK(report["limit"] == json{77, 88});
    CHECK(after.rlim_cur == before.rlim_cur);
}

TEST_CASE("a generation runs the file that it pinned after another was renamed over its path") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    copy_file(SPAWN_PROBE, path, "version-1");
    const Command old_worker = command({path, "tail", "9"});
    copy_file(SPAWN_PROBE, path + ".new", "version-2");
    std::filesystem::rename(path + ".new", path);
    CHECK(output_of(old_worker) == "version-1\n");
    CHECK(output_of(command({path, "tail", "9"})) == "version-2\n");
    CHECK(output_of(old_worker) == "version-1\n");
    std::filesystem::remove(path);
    CHECK(output_of(old_worker) == "version-1\n");
}

TEST_CASE("a file that was changed in place runs as it is, and that it was changed can be told") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    copy_file(SPAWN_PROBE, path, "version-1");
    const Command worker = command({path, "tail", "9"});
    copy_file(SPAWN_PROBE, path, "version-2!");
    CHECK(output_of(worker) == "ersion-2!\n");
    CHECK_THAT(worker.executable->change().value_or(""), Catch::Matchers::Contains("changed in place"));
}

TEST_CASE("a script runs by its path: what lies there then") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    write_file(path, "#!/bin/sh\necho one $0 $1\n", 0755);
    const Command worker = command({path, "argument"});
    CHECK(output_of(worker) == "one " + path + " argument\n");
    write_file(path + ".new", "#!/bin/sh\necho two\n", 0755);
    std::filesystem::rename(path + ".new", path);
    CHECK(output_of(worker) == "two\n");
}

TEST_CASE("a script that is gone from its path runs on, by its descriptor") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    write_file(path, "#!/bin/sh\necho still $1\n", 0755);
    const Command worker = command({path, "here"});
    std::filesystem::remove(path);
    CHECK(output_of(worker) == "still here\n");
}

TEST_CASE("a working directory is the one that a symbolic link meant when it was pinned") {
    const TemporaryDirectory directory;
    for (const char* name : {"one", "two"}) std::filesystem::create_directory(directory.path() + "/" + name);
    const std::string link = directory.path() + "/current";
    std::filesystem::create_directory_symlink("one", link);
    const Command worker = command({"/bin/pwd", "-P"}, link);
    std::filesystem::remove(link);
    std::filesystem::create_directory_symlink("two", link);
    CHECK_THAT(output_of(worker), Catch::Matchers::EndsWith("/one\n"));
    CHECK_THAT(output_of(command({"/bin/pwd", "-P"}, link)), Catch::Matchers::EndsWith("/two\n"));
}

TEST_CASE("what the kernel refuses to execute is reported in words, and leaves nothing behind") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    const auto descriptors = open_descriptors();

    SECTION("a script whose interpreter has gone since") {
        const std::string interpreter = directory.path() + "/interpreter";
        copy_file(SPAWN_PROBE, interpreter, "");
        write_file(path, "#!" + interpreter + "\n", 0755);
        const Command worker = command({path});
        std::filesystem::remove(interpreter);
        CHECK_THAT(spawn_error(worker), Catch::Matchers::Contains("exec: No such file or directory") &&
                                            Catch::Matchers::Contains("interpreter"));
    }
    SECTION("a file that is still being written") {
        copy_file(SPAWN_PROBE, path, "");
        const Command worker = command({path});
        const UniqueFd writer{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
        CHECK_THAT(spawn_error(worker), Catch::Matchers::Contains("Text file busy"));
    }
    SECTION("more arguments than the kernel takes") {
        Command worker = command({"/bin/true"});
        worker.arguments.emplace_back(1 << 20, 'x');
        CHECK_THAT(spawn_error(worker), Catch::Matchers::Contains("exec: Argument list too long"));
    }
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(open_descriptors() == descriptors);
}

TEST_CASE("the caller's signal mask and umask are what they were, after success and after failure") {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigset_t original;
    REQUIRE(::sigprocmask(SIG_SETMASK, &mask, &original) == 0);
    CHECK_FALSE(spawn(command_without_interpreter().request(1, 2)));
    output_of(command({"/bin/true"}));
    sigset_t after;
    REQUIRE(::sigprocmask(SIG_SETMASK, &original, &after) == 0);
    for (int number = 1; number < 32; ++number)
        CHECK(sigismember(&after, number) == (number == SIGUSR2 ? 1 : 0));
}

TEST_CASE("500 spawns leak no descriptor, no child and no memory mapping") {
    const Command good = command({"/bin/true"});
    const Command bad = command_without_interpreter();
    const auto mappings = [] {
        const std::string maps = read_file("/proc/self/maps");
        return std::count(maps.begin(), maps.end(), '\n');
    };
    const auto run = [&](int times) {
        for (int i = 0; i < times; ++i) {
            const auto spawned = spawn(good.request(STDOUT_FILENO, STDERR_FILENO));
            REQUIRE(spawned);
            int status = -1;
            REQUIRE(::waitpid(spawned->pid, &status, 0) == spawned->pid);
            REQUIRE(status == 0);
            REQUIRE_FALSE(spawn(bad.request(STDOUT_FILENO, STDERR_FILENO)));
        }
    };
    run(10);
    const auto descriptors = open_descriptors();
    const auto mapped = mappings();
    run(490);
    CHECK(open_descriptors() == descriptors);
    CHECK(mappings() < mapped + 490);  // the allocator may map some; a leak would show once for each spawn
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a process notes its pid and its start time before it is the worker") {
    Command worker = command({"/bin/sh", "-c", "cat /proc/$$/stat"});
    Pipe pipe = make_pipe();
    const UniqueFd file = marked_file("note");
    REQUIRE(::write(file.get(), "before ", 7) == 7);
    SpawnRequest request = worker.request(pipe.writer.get(), STDERR_FILENO);
    request.note = BirthNote{.file = file.get(), .text = {}, .pid_at = 4, .start_time_at = 4 + 13};
    request.note->text = "pid " + std::string(13, ' ') + std::string(BirthNote::start_time_room, ' ') + "\n";
    const auto spawned = spawn(request);
    REQUIRE(spawned);
    CHECK(spawned->noted);
    std::array<char, 100> noted{};
    const ssize_t size = ::pread(file.get(), noted.data(), noted.size(), 0);
    REQUIRE(size == static_cast<ssize_t>(7 + request.note->text.size()));
    std::istringstream words{std::string(noted.data(), static_cast<std::size_t>(size))};
    std::string before, key, start_time;
    pid_t pid = 0;
    words >> before >> key >> pid >> start_time;
    CHECK(before == "before");
    CHECK(key == "pid");
    CHECK(pid == spawned->pid);
    pipe.writer.reset();
    std::istringstream fields{read_to_end(pipe.reader.get())};
    std::string field;
    for (int number = 1; number <= 22; ++number) fields >> field;  // its name, "sh" or "(cat)", has no space
    CHECK(start_time == field);
    wait_for_exit(spawned->pid);
}

TEST_CASE("a process that cannot note itself still becomes the worker") {
    const Command worker = command({"/bin/true"});
    const UniqueFd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    SpawnRequest request = worker.request(STDOUT_FILENO, STDERR_FILENO);
    request.note =
        BirthNote{.file = full.get(), .text = std::string(64, ' '), .pid_at = 0, .start_time_at = 20};
    const auto spawned = spawn(request);
    REQUIRE(spawned);
    CHECK_FALSE(spawned->noted);
    CHECK(wait_for_exit(spawned->pid) == 0);
}
