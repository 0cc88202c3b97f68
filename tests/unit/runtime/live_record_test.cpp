#include "master/runtime/live_record.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/temporary_directory.h"

using namespace sup;

namespace {

pid_t start_sleeper() {
    const pid_t pid = ::fork();
    if (pid == 0) {
        while (true) ::pause();
    }
    return pid;
}

void end(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

std::optional<LiveRecord> read(const std::string& path) {
    auto record = read_live_record(path);
    REQUIRE(record.ok());
    return std::move(*record);
}

// As the worker's own process does.
bool write_note(BirthNote note, const ProcessIdentity& process) {
    const std::string pid = std::to_string(process.pid);
    const std::string start_time = std::to_string(process.start_time);
    note.text.replace(note.pid_at, pid.size(), pid);
    note.text.replace(note.start_time_at, start_time.size(), start_time);
    return ::write(note.file, note.text.data(), note.text.size()) == static_cast<ssize_t>(note.text.size());
}

void spawn_and_add(LiveRecorder& recorder, pid_t pid, std::uint32_t generation, core::Slot slot) {
    const auto note = recorder.reserve(generation, slot);
    REQUIRE(note);
    REQUIRE(write_note(*note, *identify_process(pid)));
    recorder.add(pid, generation, slot, true);
}

ino_t inode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_ino;
}

}  // namespace

TEST_CASE("what another user recorded is not believed, nor what is no file") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK_FALSE(read_live_record(path).ok());
    REQUIRE(::unlink(path.c_str()) == 0);
    REQUIRE(write_live_record(path, LiveRecord{}).ok());
    CHECK(read_live_record(path).ok());
    if (::geteuid() != 0) return test::skip("only root can give a file away");
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    const auto record = read_live_record(path);
    REQUIRE_FALSE(record.ok());
    CHECK(record.error().message.find("belongs to user 65534") != std::string::npos);
}

TEST_CASE("the record says which workers live") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers";
    CHECK_FALSE(read(path));

    const pid_t first = start_sleeper();
    const pid_t second = start_sleeper();
    LiveRecorder recorder{path, SIGQUIT, Duration{1500}};
    spawn_and_add(recorder, first, 1, 0);
    spawn_and_add(recorder, second, 2, 7);
    const auto record = read(path);
    REQUIRE(record);
    CHECK(*record == recorder.record());
    CHECK(record->master == identify_process(::getpid()));
    CHECK(record->drain_signal == SIGQUIT);
    CHECK(record->drain_timeout == Duration{1500});
    REQUIRE(record->workers.size() == 2);
    CHECK(record->workers[1].process == identify_process(second));
    CHECK(record->workers[1].generation == 2);
    CHECK(record->workers[1].slot == 7);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);

    recorder.set_drain(SIGTERM, Duration{9});
    recorder.remove(first);
    recorder.remove(first);
    CHECK(recorder.save().ok());
    CHECK(read(path)->drain_timeout == Duration{9});
    CHECK(recorder.record().workers.size() == 1);
    spawn_and_add(recorder, first, 3, 1);  // in the line that has become free
    CHECK(*read(path) == recorder.record());
    end(first);
    end(second);
}

TEST_CASE("a worker is in the record before its master knows that it exists") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers";
    LiveRecorder recorder{path, SIGTERM, Duration{0}};
    const auto note = recorder.reserve(4, 2);
    REQUIRE(note);
    CHECK(read(path)->workers.empty());
    REQUIRE(write_note(*note, *identify_process(::getpid())));
    CHECK(read(path)->workers == std::vector<LiveWorker>{{*identify_process(::getpid()), 4, 2}});
}

TEST_CASE("a spawn that failed leaves its line to the next one") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers";
    LiveRecorder recorder{path, SIGTERM, Duration{0}};
    REQUIRE(write_note(*recorder.reserve(1, 0), {::getpid(), 1}));
    spawn_and_add(recorder, ::getpid(), 1, 0);
    CHECK(*read(path) == recorder.record());
}

TEST_CASE("a failed write is an error, and the next one tells the truth again") {
    const test::TemporaryDirectory directory;
    const std::string folder = directory.path() + "/later";
    LiveRecorder recorder{folder + "/workers", SIGTERM, Duration{0}};
    CHECK_FALSE(recorder.reserve(1, 0));
    recorder.add(::getpid(), 1, 0, false);
    CHECK_FALSE(recorder.save().ok());
    CHECK_FALSE(recorder.save().ok());
    REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
    CHECK(recorder.save().ok());
    CHECK(*read(folder + "/workers") == recorder.record());
    CHECK(recorder.record().workers.size() == 1);
}

TEST_CASE("a record that somebody removed is written again with the next worker") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers";
    LiveRecorder recorder{path, SIGTERM, Duration{0}};
    spawn_and_add(recorder, ::getpid(), 1, 0);
    REQUIRE(::unlink(path.c_str()) == 0);
    spawn_and_add(recorder, ::getppid(), 1, 1);
    CHECK(read(path)->workers.size() == 2);
    CHECK(*read(path) == recorder.record());
}

TEST_CASE("workers are recorded in the space that the file has, and in more when there are many") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers";
    LiveRecorder recorder{path, SIGTERM, Duration{0}};
    REQUIRE(recorder.save().ok());
    const ino_t first = inode_of(path);
    const auto size = std::filesystem::file_size(path);
    for (core::Slot slot = 0; slot < 200; ++slot) spawn_and_add(recorder, ::getpid(), 1, slot);
    recorder.set_drain(SIGQUIT, Duration{1});
    CHECK(recorder.save().ok());
    CHECK(inode_of(path) == first);
    CHECK(std::filesystem::file_size(path) == size);
    CHECK(*read(path) == recorder.record());

    for (core::Slot slot = 200; slot < 1000; ++slot) spawn_and_add(recorder, ::getpid(), 1, slot);
    CHECK(*read(path) == recorder.record());
    CHECK(read(path)->workers.size() == 1000);
}

TEST_CASE("only the very process that was recorded counts as alive") {
    const pid_t pid = start_sleeper();
    const auto process = identify_process(pid);
    REQUIRE(process);
    LiveRecord record;
    record.boot_id = boot_id();
    record.workers = {
        {*process, 1, 0}, {{pid, process->start_time + 1}, 1, 1}, {{0, 0}, 1, 2}, {{-1, 0}, 1, 3}};
    CHECK(still_alive(record) == std::vector<LiveWorker>{{*process, 1, 0}});
    CHECK(open_process(*process));
    CHECK_FALSE(open_process({pid, process->start_time + 1}));

    LiveRecord of_another_boot = record;
    of_another_boot.boot_id = "another";
    CHECK(still_alive(of_another_boot).empty());

    ::kill(pid, SIGKILL);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
    CHECK(still_alive(record).empty());  // a zombie serves nobody
    ::waitpid(pid, nullptr, 0);
    CHECK(still_alive(record).empty());
}

TEST_CASE("a process is signalled through a descriptor that means it alone") {
    const pid_t pid = start_sleeper();
    const UniqueFd process = open_process(*identify_process(pid));
    REQUIRE(process);
    CHECK(signal_process(process.get(), SIGKILL));
    pollfd ended{process.get(), POLLIN, 0};
    CHECK(::poll(&ended, 1, 20'000) == 1);
    ::waitpid(pid, nullptr, 0);
    CHECK_FALSE(signal_process(process.get(), SIGKILL));
    CHECK(errno == ESRCH);
}

TEST_CASE("a command's name with spaces and parentheses does not shift the fields") {
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::ofstream{"/proc/self/comm"} << "a) R 1 (b";
        ::kill(::getpid(), SIGSTOP);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, WUNTRACED) == pid);
    const auto renamed = identify_process(pid);
    const auto self = identify_process(::getpid());
    REQUIRE(renamed);
    REQUIRE(self);
    CHECK(renamed->start_time >= self->start_time);
    end(pid);
}

TEST_CASE("a record that cannot be understood names its file") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers";
    for (const char* text :
         {"", "{", "[]", "{}", R"({"boot_id":1})", R"({"boot_id":"x","master":{},"workers":[]})"}) {
        std::ofstream{path, std::ios::trunc} << text;
        const auto record = read_live_record(path);
        INFO(text);
        REQUIRE_FALSE(record.ok());
        CHECK_THAT(record.error().message, Catch::Contains(path));
    }
}
