#include "master/runtime/live_record.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/catch.h"
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

}  // namespace

TEST_CASE("what another user recorded is not believed, nor what is no file") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers.json";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK_FALSE(read_live_record(path).ok());
    REQUIRE(::unlink(path.c_str()) == 0);
    REQUIRE(write_live_record(path, LiveRecord{}).ok());
    CHECK(read_live_record(path).ok());
    if (::geteuid() != 0) return;  // only root can give a file away
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    const auto record = read_live_record(path);
    REQUIRE_FALSE(record.ok());
    CHECK(record.error().message.find("belongs to user 65534") != std::string::npos);
}

TEST_CASE("the record says which workers live") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers.json";
    CHECK_FALSE(read(path));

    const pid_t first = start_sleeper();
    const pid_t second = start_sleeper();
    LiveRecorder recorder{path, SIGQUIT, Duration{1500}};
    CHECK(recorder.add(first, 1, 0).ok());
    CHECK(recorder.add(second, 2, 7).ok());
    CHECK(recorder.save().ok());
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
    CHECK(read(path)->workers.size() == 1);
    CHECK(read(path)->drain_timeout == Duration{9});
    end(first);
    end(second);
}

TEST_CASE("a failed write is an error, and the next one tells the truth again") {
    const test::TemporaryDirectory directory;
    const std::string folder = directory.path() + "/later";
    LiveRecorder recorder{folder + "/workers.json", SIGTERM, Duration{0}};
    REQUIRE(recorder.add(::getpid(), 1, 0).ok());
    CHECK_FALSE(recorder.save().ok());
    CHECK_FALSE(recorder.save().ok());
    REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
    CHECK(recorder.save().ok());
    CHECK(read(folder + "/workers.json")->workers.size() == 1);
}

TEST_CASE("any number of changes costs one write, and none where a reader can do without") {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/workers.json";
    const auto written = [&] { return ::unlink(path.c_str()) == 0; };
    LiveRecorder recorder{path, SIGTERM, Duration{0}};
    CHECK(recorder.save().ok());
    CHECK_FALSE(written());

    for (core::Slot slot = 0; slot < 4; ++slot) REQUIRE(recorder.add(::getpid(), 1, slot).ok());
    CHECK_FALSE(written());
    CHECK(recorder.save().ok());
    CHECK(read(path)->workers.size() == 4);
    CHECK(written());
    CHECK(recorder.save().ok());
    CHECK_FALSE(written());

    recorder.set_drain(SIGTERM, Duration{0});
    recorder.remove(::getpid());
    CHECK(recorder.save().ok());
    CHECK_FALSE(written());

    recorder.set_drain(SIGQUIT, Duration{0});
    CHECK(recorder.save().ok());
    CHECK(read(path)->workers.empty());
    CHECK(read(path)->drain_signal == SIGQUIT);
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
    const std::string path = directory.path() + "/workers.json";
    for (const char* text :
         {"", "{", "[]", "{}", R"({"boot_id":1})", R"({"boot_id":"x","master":{},"workers":[]})"}) {
        std::ofstream{path, std::ios::trunc} << text;
        const auto record = read_live_record(path);
        INFO(text);
        REQUIRE_FALSE(record.ok());
        CHECK_THAT(record.error().message, Catch::Contains(path));
    }
}
