#include "master/spawn/executable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "master/spawn/pinned_directory.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;

namespace {

std::string pin_error(const std::string& command, const std::vector<std::string>& environment = {}) {
    const auto pinned = Executable::pin(command, environment);
    return pinned ? "no error" : pinned.error().message;
}

}  // namespace

TEST_CASE("a program is pinned, with the identity of its file") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    copy_file("/bin/true", path, "");
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    const auto pinned = Executable::pin(path, {});
    REQUIRE(pinned);
    const ExecutableIdentity& identity = (*pinned)->identity();
    CHECK(identity.path == path);
    CHECK(identity.pinned);
    CHECK(is_untouched(identity.file, identity_of(status)));
}

TEST_CASE("a script is not pinned") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    write_file(path, "#!/bin/sh\n", 0755);
    const auto executable = Executable::pin(path, {});
    REQUIRE(executable);
    CHECK_FALSE((*executable)->identity().pinned);
}

TEST_CASE("what cannot be run is refused when it is pinned, in words") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    const std::string worker = "worker " + path + ": ";
    CHECK(pin_error(path) == worker + "No such file or directory");
    CHECK(pin_error(directory.path()) == "worker " + directory.path() + ": Is a directory");
    CHECK(pin_error("/dev/null") == "worker /dev/null: Not a regular file");
    write_file(path, "#!/bin/sh\n", 0644);
    CHECK_THAT(pin_error(path),
               Catch::Matchers::StartsWith(worker + "Permission denied") && Contains("chmod +x"));
    write_file(path, "", 0755);
    CHECK(pin_error(path) == worker + "Exec format error: the file is empty");
    std::filesystem::create_symlink("loop", directory.path() + "/loop");
    CHECK_THAT(pin_error(directory.path() + "/loop"), Contains("symbolic links"));
}

TEST_CASE("a bare name is looked up in the worker's PATH") {
    const TemporaryDirectory directory;
    const std::string first = directory.path() + "/first";
    const std::string second = directory.path() + "/second";
    std::filesystem::create_directory(first);
    std::filesystem::create_directory(second);
    const std::vector<std::string> environment{"OTHER=1", "PATH=relative::/no/such:" + first + ":" + second};
    CHECK_THAT(pin_error("tool", environment), Contains("worker tool: not found in PATH"));

    write_file(first + "/tool", "#!/bin/sh\n", 0644);
    CHECK_THAT(pin_error("tool", environment), Contains(first + "/tool: Permission denied"));

    write_file(second + "/tool", "#!/bin/sh\n", 0755);
    auto found = Executable::pin("tool", environment);
    REQUIRE(found);
    CHECK((*found)->identity().path == second + "/tool");

    write_file(first + "/tool", "#!/bin/sh\n", 0755);
    found = Executable::pin("tool", environment);
    REQUIRE(found);
    CHECK((*found)->identity().path == first + "/tool");
    CHECK(Executable::pin("sh", {}));
}

TEST_CASE("only other content is a change: not a new time, and not another file at the path") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    copy_file("/bin/true", path, "");
    const auto pinned = Executable::pin(path, {});
    REQUIRE(pinned);
    CHECK_FALSE((*pinned)->change());

    SECTION("written to, and the same size and time") {
        struct stat before {};
        REQUIRE(::stat(path.c_str(), &before) == 0);
        const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
        REQUIRE(::pwrite(file.get(), "x", 1, 100) == 1);
        const timespec later[2] = {{}, {before.st_mtim.tv_sec, before.st_mtim.tv_nsec + 1}};
        REQUIRE(::futimens(file.get(), later) == 0);
        CHECK_THAT((*pinned)->change().value_or(""), Contains(path + " was changed in place"));
    }
    SECTION("cut, with its time put back") {
        const timespec time = (*pinned)->identity().file.mtime;
        std::filesystem::resize_file(path, 1000);
        const timespec same[2] = {time, time};
        REQUIRE(::utimensat(AT_FDCWD, path.c_str(), same, 0) == 0);
        CHECK((*pinned)->change());
    }
    SECTION("touched") {
        REQUIRE(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0);
        CHECK_FALSE((*pinned)->change());
    }
    SECTION("another file renamed over it") {
        copy_file("/bin/false", path + ".new", "");
        std::filesystem::rename(path + ".new", path);
        CHECK_FALSE((*pinned)->change());
    }
    SECTION("removed") {
        std::filesystem::remove(path);
        CHECK_FALSE((*pinned)->change());
    }
}

TEST_CASE("a large file's change is found as a new build makes it: all over the file") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/large";
    write_file(path, std::string(5'000'000, 'a'), 0755);
    const UniqueFd file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    const Fingerprint before = fingerprint_of(file.get());
    CHECK(fingerprint_of(file.get()) == before);
    REQUIRE(::pwrite(file.get(), "b", 1, 4'999'999) == 1);
    CHECK(fingerprint_of(file.get()) != before);
}

TEST_CASE("a script is changed when another lies where it is run from, and not when it was touched") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    write_file(path, "#!/bin/sh\necho one\n", 0755);
    const auto pinned = Executable::pin(path, {});
    REQUIRE(pinned);
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0);
    CHECK_FALSE((*pinned)->change());
    write_file(path + ".new", "#!/bin/sh\necho one\n", 0755);
    std::filesystem::rename(path + ".new", path);
    CHECK_FALSE((*pinned)->change());
    write_file(path + ".new", "#!/bin/sh\necho two\n", 0755);
    std::filesystem::rename(path + ".new", path);
    CHECK_THAT((*pinned)->change().value_or(""), Contains(path + " is not the same script"));
}

namespace {

// releases/1 and releases/2, each with `name`, and `current`, a link to the first.
struct Releases {
    explicit Releases(const std::string& name) {
        for (const char* release : {"1", "2"}) {
            const std::string folder = root.path() + "/releases/" + release;
            std::filesystem::create_directories(folder);
            write_file(folder + "/" + name, std::string("#!/bin/sh\necho ") + release + " $0 $*\n", 0755);
        }
        point(root.path() + "/current", "releases/1");
    }
    static void point(const std::string& link, const std::string& target) {
        std::filesystem::remove(link);
        std::filesystem::create_symlink(target, link);
    }
    void move() const { point(root.path() + "/current", "releases/2"); }
    std::string in(const std::string& path) const { return root.path() + "/" + path; }

    TemporaryDirectory root;
};

}  // namespace

TEST_CASE("a script behind a link that has been moved is still the one that the link meant") {
    const Releases releases("app");
    const Command worker = command({releases.in("current/app"), "x"});
    releases.move();
    CHECK(output_of(worker) == "1 " + releases.in("releases/1/app") + " x\n");
    CHECK_FALSE(worker.executable->change());
    CHECK(worker.executable->identity().found_at == releases.in("current/app"));
}

TEST_CASE("a script whose own name is a link that has been moved is still the one that it meant") {
    const Releases releases("app");
    Releases::point(releases.in("app"), "current/app");
    const Command worker = command({releases.in("app")});
    CHECK(output_of(worker) == "1 " + releases.in("app") + "\n");  // it finds itself by its name
    Releases::point(releases.in("app"), "releases/2/app");
    CHECK(output_of(worker) == "1 " + releases.in("releases/1/app") + "\n");
    CHECK_FALSE(worker.executable->change());
}

TEST_CASE("a program is told its name in its folder's real path, with the last name as configured") {
    const TemporaryDirectory root;
    std::filesystem::create_directories(root.path() + "/releases/1/bin");
    std::filesystem::create_symlink(SPAWN_PROBE, root.path() + "/releases/1/bin/python");
    Releases::point(root.path() + "/current", "releases/1");
    const std::string real = root.path() + "/releases/1/bin/python";
    CHECK_THAT(output_of(command({root.path() + "/current/bin/python", "report"})),
               Contains("\"arguments\":[\"" + real + "\",\"report\"]"));

    // Found in PATH, through the link: by its name it would look itself up in PATH again.
    const auto found = Executable::pin("python", {"PATH=" + root.path() + "/current/bin"});
    REQUIRE(found);
    CHECK((*found)->launch().leading == std::vector<std::string>{real});
    const auto plain = Executable::pin("sh", {"PATH=/bin"});
    REQUIRE(plain);
    CHECK((*plain)->launch().leading == std::vector<std::string>{"sh"});
}

TEST_CASE("an interpreter behind a link that has been moved is still the one that the script named") {
    const Releases releases("interpreter");
    const std::string script = releases.in("script");
    SECTION("named by its path, with an argument") {
        write_file(script, "#!" + releases.in("current/interpreter") + " -a b\n", 0755);
        const Command worker = command({script, "x"});
        releases.move();
        CHECK(output_of(worker) == "1 " + releases.in("releases/1/interpreter") + " -a b " + script + " x\n");
    }
    SECTION("looked up by env") {
        write_file(script, "#!/usr/bin/env interpreter\n", 0755);
        const std::vector<std::string> environment{"PATH=" + releases.in("current") + ":/usr/bin:/bin"};
        Command worker = command({"/bin/true"});
        worker.executable = *Executable::pin(script, environment);
        worker.environment = environment;
        releases.move();
        CHECK(output_of(worker) == "1 " + releases.in("releases/1/interpreter") + " " + script + "\n");
    }
}

TEST_CASE("a script that looks itself up as its interpreter is refused, not followed for ever") {
    const TemporaryDirectory root;
    std::filesystem::create_directory(root.path() + "/real");
    std::filesystem::create_symlink("real", root.path() + "/link");
    write_file(root.path() + "/real/loop", "#!/usr/bin/env loop\n", 0755);
    CHECK_THAT(pin_error("loop", {"PATH=" + root.path() + "/link"}), Contains("too many interpreters"));
}

TEST_CASE("a program that may be executed but not read is still pinned") {
    if (::geteuid() == 0) return skip("root may read everything");
    const TemporaryDirectory directory;
    copy_file("/bin/true", directory.path() + "/worker", "");
    std::filesystem::permissions(directory.path() + "/worker", std::filesystem::perms::owner_exec);
    const auto pinned = Executable::pin(directory.path() + "/worker", {});
    REQUIRE(pinned);
    CHECK((*pinned)->identity().pinned);
}

TEST_CASE("a working directory that cannot be entered is refused in words") {
    const TemporaryDirectory directory;
    write_file(directory.path() + "/file", "");
    const auto missing = PinnedDirectory::pin(directory.path() + "/missing");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message ==
          "worker.cwd " + directory.path() + "/missing: No such file or directory");
    const auto file = PinnedDirectory::pin(directory.path() + "/file");
    REQUIRE_FALSE(file);
    CHECK(file.error().message == "worker.cwd " + directory.path() + "/file: Not a directory");
    const auto good = PinnedDirectory::pin(directory.path());
    REQUIRE(good);
    CHECK((*good)->path() == directory.path());
}
