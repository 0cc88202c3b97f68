#include "master/cli/instances.h"

#include <stdlib.h>
#include <unistd.h>

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
    CHECK(choose_among({instance("a", false), instance("b", true)})->name == "b");
    // Workers that outlived their master matter only where nothing runs.
    CHECK(choose_among({instance("a", false, true), instance("b", true)})->name == "b");
    CHECK(choose_among({instance("a", false, true), instance("b", false)})->name == "a");
}

TEST_CASE("without a name several instances are an error that lists them, and none is another") {
    const auto several = choose_among({instance("a", true), instance("b", true), instance("c", false)});
    REQUIRE_FALSE(several.ok());
    CHECK(several.error().code == ExitCode::usage);
    CHECK_THAT(several.error().message, Catch::EndsWith(": a, b"));
    for (const auto& nothing : {choose_among({}), choose_among({instance("a", false)})}) {
        REQUIRE_FALSE(nothing.ok());
        CHECK(nothing.error().code == ExitCode::not_running);
    }
}

TEST_CASE("instances are found by their locks and their records") {
    const test::TemporaryDirectory directory;
    const RuntimeDirectoryVariable variable{directory.path()};
    CHECK(find_instances()->empty());

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
    REQUIRE(found->size() == 3);
    CHECK(found->at(0).name == "alive");
    CHECK(found->at(0).running);
    CHECK(found->at(0).pid == ::getpid());
    CHECK_FALSE(found->at(1).running);
    CHECK(found->at(1).orphans.empty());
    CHECK_FALSE(found->at(2).running);
    REQUIRE(found->at(2).orphans.size() == 1);
    CHECK(found->at(2).orphans.front().generation == 3);

    CHECK(choose_instance("")->name == "alive");
    CHECK(choose_instance("orphaned")->name == "orphaned");
    for (const char* name : {"dead", "nobody"}) {
        const auto missing = choose_instance(name);
        REQUIRE_FALSE(missing.ok());
        CHECK(missing.error().code == ExitCode::not_running);
        CHECK_THAT(missing.error().message, Catch::Contains(name));
    }
    CHECK(choose_instance("../alive").error().code == ExitCode::usage);
}

TEST_CASE("a runtime directory that does not exist has no instances, and a broken one is an error") {
    const test::TemporaryDirectory directory;
    {
        const RuntimeDirectoryVariable variable{directory.path() + "/missing"};
        CHECK(find_instances()->empty());
        CHECK(choose_instance("a").error().code == ExitCode::not_running);
    }
    const RuntimeDirectoryVariable variable{"/dev/null"};
    CHECK(find_instances().error().code == ExitCode::failed);
}
