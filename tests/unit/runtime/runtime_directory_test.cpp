#include "master/runtime/runtime_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/temporary_directory.h"
#include "tests/unit/runtime/mode_of.h"

using namespace sup;

namespace {

std::string error_of(const Status& status) {
    REQUIRE_FALSE(status.ok());
    return status.error().message;
}

}  // namespace

TEST_CASE("the runtime directory is chosen in the order that is promised") {
    CHECK(choose_runtime_directory({"/a/b/", "/run/user/7", 0}).path == "/a/b");
    CHECK(choose_runtime_directory({std::nullopt, "/run/user/0", 0}).path == "/run/sup");
    CHECK(choose_runtime_directory({"", "/run/user/7", 7}).path == "/run/user/7/sup");
    CHECK(choose_runtime_directory({std::nullopt, std::nullopt, 7}).path == "/tmp/sup-7");
    CHECK(choose_runtime_directory({std::nullopt, "", 7}).path == "/tmp/sup-7");
    CHECK(choose_runtime_directory({std::nullopt, "", 7}).shared);
    CHECK_FALSE(choose_runtime_directory({"/tmp/x", std::nullopt, 7}).shared);
}

TEST_CASE("a relative runtime directory becomes absolute, because the master may change its own") {
    CHECK(choose_runtime_directory({"run/./sup", std::nullopt, 0}).path ==
          std::filesystem::current_path().string() + "/run/sup");
}

TEST_CASE("the runtime directory is made once and can be used again") {
    const test::TemporaryDirectory directory;
    const RuntimeDirectory runtime{directory.path() + "/sup", false};
    CHECK(runtime_directory_exists(runtime).value() == false);
    const mode_t before = ::umask(0077);
    CHECK(create_runtime_directory(runtime).ok());
    ::umask(before);
    CHECK(test::mode_of(runtime.path) == (::geteuid() == 0 ? 0755 : 0700));
    CHECK(create_runtime_directory(runtime).ok());
    CHECK(runtime_directory_exists(runtime).value() == true);
}

TEST_CASE("what is in the way of a runtime directory is named") {
    const test::TemporaryDirectory directory;
    const std::string file = directory.path() + "/file";
    std::ofstream{file} << "not a directory";
    CHECK_THAT(error_of(create_runtime_directory({file + "/sup", false})),
               Catch::Contains(file + " is not a directory"));
    CHECK_THAT(error_of(create_runtime_directory({file + "/deeper/sup", false})),
               Catch::Contains("a part of " + file + "/deeper is not a directory"));
    CHECK_THAT(error_of(create_runtime_directory({file, false})),
               Catch::Contains(file + " is not a directory"));
    CHECK_THAT(error_of(create_runtime_directory({directory.path() + "/missing/sup", false})),
               Catch::Contains(directory.path() + "/missing does not exist"));
    CHECK(runtime_directory_exists({file + "/sup", false}).value() == false);
    CHECK_FALSE(runtime_directory_exists({file, false}).ok());
}

TEST_CASE("the session's folder, too, is refused where others could put something else in its place") {
    const test::TemporaryDirectory directory;
    const std::string session = directory.path() + "/session";
    REQUIRE(::mkdir(session.c_str(), 0700) == 0);
    const RuntimeDirectory runtime = choose_runtime_directory({std::nullopt, session, 7});
    CHECK(create_runtime_directory(runtime).ok());
    REQUIRE(::chmod(session.c_str(), 0777) == 0);
    CHECK_THAT(error_of(create_runtime_directory(runtime)), Catch::Contains(session + " can be written to"));
    CHECK_FALSE(runtime_directory_exists(runtime).ok());
}

TEST_CASE("in a folder that anybody can write to, the directory must be one's own and no link") {
    const test::TemporaryDirectory directory;
    const std::string link = directory.path() + "/link";
    std::filesystem::create_directory_symlink(directory.path(), link);
    CHECK_THAT(error_of(create_runtime_directory({link, true})), Catch::Contains("symbolic link"));
    CHECK_FALSE(runtime_directory_exists({link, true}).ok());
    CHECK(create_runtime_directory({link, false}).ok());  // given by its owner, who may point where he likes

    const std::string open = directory.path() + "/open";
    REQUIRE(::mkdir(open.c_str(), 0700) == 0);
    REQUIRE(::chmod(open.c_str(), 0777) == 0);
    CHECK_THAT(error_of(create_runtime_directory({open, true})), Catch::Contains("by others"));
    REQUIRE(::chmod(open.c_str(), 0770) == 0);  // its group is one's own, which others may be in
    CHECK_THAT(error_of(create_runtime_directory({open, true})), Catch::Contains("by others"));
    REQUIRE(::chmod(open.c_str(), 0750) == 0);
    CHECK(create_runtime_directory({open, true}).ok());

    if (::geteuid() != 0) return test::skip("only root can give a directory away");
    const std::string foreign = directory.path() + "/foreign";
    REQUIRE(::mkdir(foreign.c_str(), 0700) == 0);
    REQUIRE(::chown(foreign.c_str(), 65534, 65534) == 0);
    CHECK_THAT(error_of(create_runtime_directory({foreign, true})), Catch::Contains("belongs to user 65534"));
    CHECK_FALSE(runtime_directory_exists({foreign, true}).ok());
}

TEST_CASE("an instance is not put into somebody else's directory, but root may look at what runs there") {
    if (::geteuid() != 0) return test::skip("only root can give a directory away");
    const test::TemporaryDirectory directory;
    const std::string foreign = directory.path() + "/foreign";
    REQUIRE(::mkdir(foreign.c_str(), 0700) == 0);
    REQUIRE(::chown(foreign.c_str(), 65534, 65534) == 0);
    CHECK_THAT(error_of(create_runtime_directory({foreign, false})),
               Catch::Contains("belongs to user 65534"));
    CHECK(runtime_directory_exists({foreign, false}).value());
}

TEST_CASE("a runtime directory is refused where others could put something else in its place") {
    const test::TemporaryDirectory directory;
    const std::string parent = directory.path() + "/parent";
    const std::string folder = parent + "/run";
    REQUIRE(::mkdir(parent.c_str(), 0755) == 0);
    const RuntimeDirectory runtime{folder, false};
    CHECK(create_runtime_directory(runtime).ok());

    REQUIRE(::chmod(folder.c_str(), 0777) == 0);
    CHECK_THAT(error_of(create_runtime_directory(runtime)),
               Catch::Contains("can be written to by everybody"));
    CHECK_FALSE(runtime_directory_exists(runtime).ok());
    REQUIRE(::chmod(folder.c_str(), 01777) == 0);  // as /tmp
    CHECK(create_runtime_directory(runtime).ok());
    REQUIRE(::chmod(folder.c_str(), 0755) == 0);

    REQUIRE(::chmod(parent.c_str(), 0777) == 0);
    CHECK_THAT(error_of(create_runtime_directory(runtime)), Catch::Contains(parent + " can be written to"));
    REQUIRE(::chmod(parent.c_str(), 0755) == 0);

    // By a symbolic link, what counts is where it leads, and the way there.
    const std::string open = directory.path() + "/open";
    REQUIRE(::mkdir(open.c_str(), 0755) == 0);
    REQUIRE(::mkdir((open + "/run").c_str(), 0755) == 0);
    REQUIRE(::chmod(open.c_str(), 0777) == 0);
    const std::string link = directory.path() + "/link";
    std::filesystem::create_directory_symlink("open/run", link);
    CHECK_THAT(error_of(create_runtime_directory({link, false})), Catch::Contains(open + " can be"));

    if (::geteuid() != 0) return test::skip("only root can give a directory away");
    REQUIRE(::chown(folder.c_str(), 0, 65534) == 0);
    REQUIRE(::chmod(folder.c_str(), 0775) == 0);
    CHECK_THAT(error_of(create_runtime_directory(runtime)), Catch::Contains("by group 65534"));
    REQUIRE(::chmod(folder.c_str(), 0755) == 0);
    REQUIRE(::chown(parent.c_str(), 65534, 65534) == 0);
    CHECK_THAT(error_of(create_runtime_directory(runtime)),
               Catch::Contains(parent + " belongs to user 65534"));
}
