#include "master/cli/instances.h"

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/temporary_directory.h"

using namespace sup;
using namespace sup::cli;

namespace {

Found instance(const std::string& name, bool running, bool orphans = false) {
    Found found{name, "/run/sup", InstancePaths{"/run/sup", name}, running, 0, std::nullopt, {}};
    if (orphans) found.orphans = {{{123, 1}, 1, 0}};
    return found;
}

Result<Found, CommandError> among(std::vector<Found> found) {
    return choose_among({"/run/sup", std::move(found)});
}

// SUP_RUNTIME_DIR for the length of a test.
class RuntimeDirectoryVariable {
public:
    explicit RuntimeDirectoryVariable(const std::string& path) {
        ::setenv("SUP_RUNTIME_DIR", path.c_str(), 1);
    }
    ~RuntimeDirectoryVariable() { ::unsetenv("SUP_RUNTIME_DIR"); }
    RuntimeDirectoryVariable(const RuntimeDirectoryVariable&) = delete;
    RuntimeDirectoryVariable& operator=(const RuntimeDirectoryVariable&) = delete;
};

}  // namespace

TEST_CASE("without a name the one that runs is meant") {
    CHECK(among({instance("a", false), instance("b", true)})->name == "b");
    // Workers that outlived their master matter only where nothing runs.
    CHECK(among({instance("a", false, true), instance("b", true)})->name == "b");
    CHECK(among({instance("a", false, true), instance("b", false)})->name == "a");
}

TEST_CASE("without a name several instances are an error that lists them, and none is another") {
    const auto several = among({instance("a", true), instance("b", true), instance("c", false)});
    REQUIRE_FALSE(several.ok());
    CHECK(several.error().code == ExitCode::usage);
    CHECK_THAT(several.error().message, Catch::EndsWith(": a, b"));
    for (const auto& nothing : {among({}), among({instance("a", false)})}) {
        REQUIRE_FALSE(nothing.ok());
        CHECK(nothing.error().code == ExitCode::not_running);
        CHECK_THAT(nothing.error().message, Catch::StartsWith("no instance is running") &&
                                                Catch::Contains("/run/sup") &&
                                                Catch::Contains("SUP_RUNTIME_DIR"));
    }
}

TEST_CASE("a damaged record is named where nothing runs, and is in nobody's way where something does") {
    Found damaged = instance("a", false);
    damaged.damage = "dead/workers is not a record";
    CHECK(among({damaged, instance("b", true)})->name == "b");
    const auto nothing = among({damaged});
    REQUIRE_FALSE(nothing.ok());
    CHECK(nothing.error().code == ExitCode::failed);
    CHECK_THAT(nothing.error().message, Catch::EndsWith("dead/workers is not a record"));
}

TEST_CASE("instances are found by their locks and their records") {
    const test::TemporaryDirectory directory;
    const RuntimeDirectoryVariable variable{directory.path()};
    CHECK(find_instances()->found.empty());

    auto alive = InstanceDirectory::claim(directory.path(), "alive");
    REQUIRE(alive.ok());
    REQUIRE(alive->write_pid(::getpid()).ok());
    {
        REQUIRE(InstanceDirectory::claim(directory.path(), "dead").ok());
        REQUIRE(InstanceDirectory::claim(directory.path(), "orphaned").ok());
        // This process stands for a worker that lives on.
        LiveRecorder recorder{InstancePaths{directory.path(), "orphaned"}.live_workers, 15, Duration{0}};
        recorder.add(::getpid(), 3, 1, false);
        REQUIRE(recorder.save().ok());
    }
    const auto found = find_instances();
    REQUIRE(found.ok());
    REQUIRE(found->found.size() == 3);
    CHECK(found->found.at(0).name == "alive");
    CHECK(found->found.at(0).running);
    CHECK(found->found.at(0).pid == ::getpid());
    CHECK_FALSE(found->found.at(1).running);
    CHECK(found->found.at(1).orphans.empty());
    CHECK_FALSE(found->found.at(2).running);
    REQUIRE(found->found.at(2).orphans.size() == 1);
    CHECK(found->found.at(2).orphans.front().generation == 3);

    CHECK(choose_instance("")->name == "alive");
    CHECK(choose_instance("orphaned")->name == "orphaned");
    for (const char* name : {"dead", "nobody"}) {
        const auto missing = choose_instance(name);
        REQUIRE_FALSE(missing.ok());
        CHECK(missing.error().code == ExitCode::not_running);
        CHECK_THAT(missing.error().message, Catch::Contains("no instance " + std::string(name)) &&
                                                Catch::Contains(" in " + directory.path()));
    }
    std::ofstream{InstancePaths{directory.path(), "dead"}.live_workers} << "{";
    const auto damaged = choose_instance("dead");
    REQUIRE_FALSE(damaged.ok());
    CHECK(damaged.error().code == ExitCode::failed);
    CHECK_THAT(damaged.error().message, Catch::Contains("dead/workers is not a record"));
    CHECK_THAT(find_instances()->found.at(1).damage, Catch::Contains("dead/workers"));
    CHECK(choose_instance("../alive").error().code == ExitCode::usage);
}

TEST_CASE("a runtime directory that does not exist has no instances, and a broken one is an error") {
    const test::TemporaryDirectory directory;
    {
        const RuntimeDirectoryVariable variable{directory.path() + "/missing"};
        CHECK(find_instances()->found.empty());
        const CommandError missing = choose_instance("").error();
        CHECK(missing.code == ExitCode::not_running);
        CHECK_THAT(missing.message,
                   Catch::Contains(directory.path() + "/missing: No such file or directory"));
        CHECK(choose_instance("a").error().code == ExitCode::not_running);
    }
    {
        std::ofstream{directory.path() + "/file"};
        const RuntimeDirectoryVariable variable{directory.path() + "/file/sup"};
        CHECK_THAT(choose_instance("a").error().message, Catch::Contains("/file/sup: Not a directory"));
    }
    const RuntimeDirectoryVariable variable{"/dev/null"};
    CHECK(find_instances().error().code == ExitCode::failed);
}
