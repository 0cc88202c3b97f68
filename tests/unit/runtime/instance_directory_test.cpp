#include "master/runtime/instance_directory.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>

#include "master/runtime/live_record.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/temporary_directory.h"
#include "tests/unit/runtime/mode_of.h"

using namespace sup;

namespace {

// A process that does something and then stays until it is ended.
class Forked {
public:
    explicit Forked(const std::function<bool()>& work) {
        int ends[2] = {};
        REQUIRE(::pipe(ends) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            const char outcome = work() ? 'y' : 'n';
            if (::write(ends[1], &outcome, 1) != 1) ::_exit(1);
            while (true) ::pause();
        }
        ::close(ends[1]);
        char outcome = 'n';
        worked_ = ::read(ends[0], &outcome, 1) == 1 && outcome == 'y';
        ::close(ends[0]);
    }
    ~Forked() { end(); }
    Forked(const Forked&) = delete;
    Forked& operator=(const Forked&) = delete;

    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    bool worked() const { return worked_; }
    pid_t pid() const { return pid_; }

private:
    pid_t pid_ = -1;
    bool worked_ = false;
};

// In the child of a fork: a master that holds the name as long as the process lives.
bool become_master(const std::string& runtime_directory) {
    static std::optional<InstanceDirectory> held;  // never destroyed: the process is killed
    auto claimed = InstanceDirectory::claim(runtime_directory, "hello");
    if (!claimed) return false;
    held.emplace(std::move(*claimed));
    return held->write_pid(::getpid()).ok();
}

std::string claim_error(const std::string& runtime_directory, const std::string& name = "hello") {
    const auto claimed = InstanceDirectory::claim(runtime_directory, name);
    REQUIRE_FALSE(claimed.ok());
    return claimed.error().message;
}

std::string contents(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>(file), {}};
}

void touch(const std::string& path) {
    std::ofstream{path} << "x";
}

}  // namespace

TEST_CASE("an instance's folder can be traversed by its workers' users, and what lies in it is its owner's") {
    const test::TemporaryDirectory runtime;
    const mode_t before = ::umask(0077);
    auto claimed = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(claimed.ok());
    CHECK(claimed->write_pid(4711).ok());
    ::umask(before);
    CHECK(test::mode_of(claimed->paths().folder) == 0711);
    CHECK(test::mode_of(claimed->paths().lock) == 0600);
    CHECK(test::mode_of(claimed->paths().pid) == 0600);
    CHECK(contents(claimed->paths().pid) == "4711\n");
}

TEST_CASE("a name that is running is refused with its pid") {
    const test::TemporaryDirectory runtime;
    Forked master{[&] { return become_master(runtime.path()); }};
    REQUIRE(master.worked());
    CHECK(claim_error(runtime.path()) ==
          "instance hello is already running (pid " + std::to_string(master.pid()) + ")");
    CHECK(InstanceDirectory::claim(runtime.path(), "other").ok());
}

TEST_CASE("a name that is only being started is refused without inventing a pid") {
    const test::TemporaryDirectory runtime;
    auto first = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(first.ok());
    CHECK_THAT(claim_error(runtime.path()), Catch::Contains("being started"));
    // A pid file of a master that died long ago must not be quoted either.
    Forked dead{[] { return true; }};
    REQUIRE(first->write_pid(dead.pid()).ok());
    dead.end();
    CHECK_THAT(claim_error(runtime.path()), Catch::Contains("being started"));
}

TEST_CASE("the name of a master that was killed can be taken at once, and what it left is cleared") {
    const test::TemporaryDirectory runtime;
    const InstancePaths paths{runtime.path(), "hello"};
    {
        Forked master{[&] { return become_master(runtime.path()); }};
        REQUIRE(master.worked());
        for (const auto& path :
             {paths.control_socket, paths.live_workers, paths.notify_socket(core::WorkerId{3}), paths.log,
              paths.folder + "/pid.new", paths.folder + "/foreign"}) {
            touch(path);
        }
    }
    auto claimed = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(claimed.ok());
    CHECK(std::filesystem::exists(paths.live_workers));  // the record is there to be looked at
    CHECK(claimed->clear_stale().ok());
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator{paths.folder}) {
        left.push_back(entry.path().filename().string());
    }
    CHECK_THAT(left, Catch::UnorderedEquals(std::vector<std::string>{"lock", "sup.log", "foreign"}));
}

TEST_CASE("a name stays taken when somebody tidies up the files of a living master") {
    const test::TemporaryDirectory runtime;
    const InstancePaths paths{runtime.path(), "hello"};
    auto claimed = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(claimed.ok());
    REQUIRE(std::filesystem::remove(paths.lock));
    CHECK(probe_instance(paths).locked);
    CHECK_THAT(claim_error(runtime.path()), Catch::Contains("hello"));
    CHECK(probe_instance(paths).locked);
}

TEST_CASE("a folder that was removed under its master is made again, and the name is held") {
    const test::TemporaryDirectory parent;
    const std::string runtime = parent.path() + "/run";
    REQUIRE(::mkdir(runtime.c_str(), 0700) == 0);
    auto holder = InstanceDirectory::claim(runtime, "hello");
    REQUIRE(holder.ok());
    CHECK(*holder->restore() == false);
    std::filesystem::remove_all(runtime);

    CHECK(*holder->restore() == true);
    CHECK(probe_instance(holder->paths()).locked);
    CHECK_THAT(claim_error(runtime), Catch::Contains("hello"));
    CHECK(holder->remove_all().ok());
    CHECK(std::filesystem::is_empty(runtime));
}

TEST_CASE("a folder that was removed is not taken back from another master that has the name now") {
    const test::TemporaryDirectory runtime;
    auto first = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(first.ok());
    std::filesystem::remove_all(first->paths().folder);
    auto second = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(second.ok());
    REQUIRE(second->write_pid(::getpid()).ok());

    const auto restored = first->restore();
    REQUIRE_FALSE(restored.ok());
    CHECK_THAT(restored.error().message, Catch::Contains("already running"));
    CHECK(first->remove_all().ok());
    CHECK(std::filesystem::exists(second->paths().pid));
}

TEST_CASE("a folder that was removed is not taken back over the record of a dead master's workers") {
    const test::TemporaryDirectory runtime;
    auto first = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(first.ok());
    std::filesystem::remove_all(first->paths().folder);
    const auto worker = identify_process(::getpid());
    REQUIRE(worker);
    LiveRecord record{.boot_id = boot_id(), .master = {::getppid(), 1}, .workers = {{*worker, 1, 0}}};
    REQUIRE(InstanceDirectory::claim(runtime.path(), "hello").ok());
    REQUIRE(write_live_record(first->paths().live_workers, record).ok());

    const auto restored = first->restore();
    REQUIRE_FALSE(restored.ok());
    CHECK_THAT(restored.error().message, Catch::Contains("sup stop hello"));
    CHECK(std::filesystem::exists(first->paths().live_workers));

    record.workers.clear();
    REQUIRE(write_live_record(first->paths().live_workers, record).ok());
    CHECK(*first->restore() == true);
    CHECK_FALSE(std::filesystem::exists(first->paths().live_workers));
}

TEST_CASE("the lock passes to a child and outlives the parent's copy") {
    const test::TemporaryDirectory runtime;
    auto claimed = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(claimed.ok());
    Forked child{[] { return true; }};
    { const InstanceDirectory parents = std::move(*claimed); }
    CHECK_THAT(claim_error(runtime.path()), Catch::Contains("hello"));
    child.end();
    CHECK(InstanceDirectory::claim(runtime.path(), "hello").ok());
}

TEST_CASE("the orderly end leaves nothing") {
    const test::TemporaryDirectory runtime;
    auto claimed = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(claimed.ok());
    REQUIRE(claimed->write_pid(::getpid()).ok());
    for (const auto& path :
         {claimed->paths().control_socket, claimed->paths().log, claimed->paths().live_workers}) {
        touch(path);
    }
    CHECK(claimed->remove_all().ok());
    CHECK(std::filesystem::is_empty(runtime.path()));
    CHECK(claimed->remove_all().ok());
}

TEST_CASE("a file that is not sup's stays, with its folder") {
    const test::TemporaryDirectory runtime;
    auto claimed = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(claimed.ok());
    touch(claimed->paths().folder + "/notes.txt");
    CHECK(claimed->remove_all().ok());
    CHECK(std::filesystem::exists(claimed->paths().folder + "/notes.txt"));
    CHECK_FALSE(std::filesystem::exists(claimed->paths().lock));
}

TEST_CASE("after its end a name is free, though the old lock is still open") {
    const test::TemporaryDirectory runtime;
    auto ending = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(ending.ok());
    REQUIRE(ending->remove_all().ok());
    auto next = InstanceDirectory::claim(runtime.path(), "hello");
    REQUIRE(next.ok());
    CHECK_THAT(claim_error(runtime.path()), Catch::Contains("hello"));
}

TEST_CASE("a name never has two holders, however many take and remove it at the same time") {
    const test::TemporaryDirectory runtime;
    const std::string witness =
        runtime.path() + "/.witness";  // made with O_EXCL by whoever believes to be alone
    constexpr int processes = 4;
    constexpr int rounds = 200;
    const auto compete = [&] {
        for (int round = 0; round < rounds; ++round) {
            auto claimed = InstanceDirectory::claim(runtime.path(), "hello");
            if (!claimed && claimed.error().message.find("being started or stopped") == std::string::npos)
                return false;
            if (!claimed) continue;
            const int alone = ::open(witness.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
            if (alone < 0) return false;
            ::close(alone);
            ::unlink(witness.c_str());
            if (!claimed->remove_all().ok()) return false;
        }
        return true;
    };
    std::vector<pid_t> children;
    for (int index = 0; index < processes; ++index) {
        const pid_t pid = ::fork();
        if (pid == 0) ::_exit(compete() ? 0 : 1);
        children.push_back(pid);
    }
    for (const pid_t pid : children) {
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        CHECK(status == 0);
    }
}

TEST_CASE("somebody who looks does not keep anybody from starting") {
    const test::TemporaryDirectory runtime;
    {
        auto claimed = InstanceDirectory::claim(runtime.path(), "hello");
        REQUIRE(claimed.ok());
    }
    const InstancePaths paths{runtime.path(), "hello"};
    Forked looking{[&] {
        const pid_t parent = ::getpid();
        const pid_t looker = ::fork();
        if (looker == 0) {
            while (::getppid() == parent) probe_instance(paths);
            ::_exit(0);
        }
        return looker > 0;
    }};
    REQUIRE(looking.worked());
    for (int round = 0; round < 50; ++round) CHECK(InstanceDirectory::claim(runtime.path(), "hello").ok());
}

TEST_CASE("an instance is seen from outside as absent, dead or alive") {
    const test::TemporaryDirectory runtime;
    const InstancePaths paths{runtime.path(), "hello"};
    CHECK_FALSE(probe_instance(paths).folder);
    {
        Forked master{[&] { return become_master(runtime.path()); }};
        const auto alive = probe_instance(paths);
        CHECK(alive.folder);
        CHECK(alive.locked);
        CHECK(alive.pid == master.pid());
    }
    const auto dead = probe_instance(paths);
    CHECK(dead.folder);
    CHECK_FALSE(dead.locked);
}

TEST_CASE("names that could leave the runtime directory are not names") {
    for (const char* good : {"hello", "a", "A-b_c.9", "..."}) CHECK(is_instance_name(good));
    for (const char* bad : {"", ".", "..", "a/b", "a b", "../x", "ä"}) CHECK_FALSE(is_instance_name(bad));
    CHECK(is_instance_name(std::string(64, 'x')));
    CHECK_FALSE(is_instance_name(std::string(65, 'x')));
    const test::TemporaryDirectory runtime;
    CHECK_THAT(claim_error(runtime.path(), "../x"), Catch::Contains("cannot be the name"));
}

TEST_CASE("a folder whose sockets would have too long a path is refused at once") {
    const test::TemporaryDirectory runtime;
    const std::string deep = runtime.path() + "/" + std::string(100, 'd');
    REQUIRE(::mkdir(deep.c_str(), 0700) == 0);
    CHECK_THAT(claim_error(deep), Catch::Contains("SUP_RUNTIME_DIR"));
}

TEST_CASE("what is in the way of a folder is named") {
    const test::TemporaryDirectory runtime;
    touch(runtime.path() + "/file");
    CHECK_THAT(claim_error(runtime.path(), "file"), Catch::Contains("is not a directory"));
    std::filesystem::create_directory_symlink(runtime.path(), runtime.path() + "/link");
    CHECK_THAT(claim_error(runtime.path(), "link"), Catch::Contains("is not a directory"));
    if (::geteuid() != 0) return test::skip("only root can give a directory away");
    REQUIRE(::mkdir((runtime.path() + "/foreign").c_str(), 0700) == 0);
    REQUIRE(::chown((runtime.path() + "/foreign").c_str(), 65534, 65534) == 0);
    CHECK_THAT(claim_error(runtime.path(), "foreign"), Catch::Contains("belongs to user 65534"));
}

TEST_CASE("the names in a runtime directory are its folders, sorted") {
    const test::TemporaryDirectory runtime;
    for (const char* name : {"b", "a", "with space"})
        std::filesystem::create_directory(runtime.path() + "/" + name);
    touch(runtime.path() + "/file");
    CHECK(instance_names(runtime.path()).value() == std::vector<std::string>{"a", "b"});
    CHECK(instance_names(runtime.path() + "/missing").value().empty());
    CHECK(instance_names(runtime.path() + "/file/below").value().empty());
}
