#include "master/process/executable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "master/process/pinned_directory.h"
#include "support.h"
#include "tests/catch.h"

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
    CHECK(identity.device == status.st_dev);
    CHECK(identity.inode == status.st_ino);
    CHECK(identity.size == static_cast<std::uint64_t>(status.st_size));
    CHECK(identity.mtime.tv_sec == status.st_mtim.tv_sec);
    CHECK(identity.mtime.tv_nsec == status.st_mtim.tv_nsec);
}

TEST_CASE("scripts and files of an unknown format are not pinned") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    for (const char* content : {"#!/bin/sh\n", "#!", "x", "CAFEBABE"}) {
        write_file(path, content, 0755);
        const auto executable = Executable::pin(path, {});
        REQUIRE(executable);
        CHECK_FALSE((*executable)->identity().pinned);
    }
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

TEST_CASE(
    "an executable verifies until its content, size or time changes, and replacing its path is no change") {
    const TemporaryDirectory directory;
    const std::string path = directory.path() + "/worker";
    copy_file("/bin/true", path, "");
    const auto pinned = Executable::pin(path, {});
    REQUIRE(pinned);
    CHECK((*pinned)->verify());

    SECTION("written to, and the same size") {
        const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
        REQUIRE(::pwrite(file.get(), "x", 1, 100) == 1);
        const timespec later[2] = {
            {}, {(*pinned)->identity().mtime.tv_sec, (*pinned)->identity().mtime.tv_nsec + 1}};
        REQUIRE(::futimens(file.get(), later) == 0);
        const Status status = (*pinned)->verify();
        REQUIRE_FALSE(status);
        CHECK_THAT(status.error().message, Contains("changed in place"));
    }
    SECTION("cut, with its time put back") {
        std::filesystem::resize_file(path, 1000);
        const timespec same[2] = {(*pinned)->identity().mtime, (*pinned)->identity().mtime};
        REQUIRE(::utimensat(AT_FDCWD, path.c_str(), same, 0) == 0);
        CHECK_FALSE((*pinned)->verify());
    }
    SECTION("another file renamed over it") {
        copy_file("/bin/false", path + ".new", "");
        std::filesystem::rename(path + ".new", path);
        CHECK((*pinned)->verify());
    }
    SECTION("removed") {
        std::filesystem::remove(path);
        CHECK((*pinned)->verify());
    }
}

TEST_CASE("a program that may be executed and not read is pinned all the same") {
    if (::geteuid() == 0) {
        WARN("root may read everything: not tried");
        return;
    }
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
