// The installed worker library, as somebody else's project finds it.
#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

void succeed(const std::vector<std::string>& argv) {
    const Outcome outcome = run({.argv = argv}, std::chrono::minutes(5));
    INFO(argv[0] << " " << argv[1] << ": " << outcome.text());
    REQUIRE(outcome.exit_code == 0);
}

}  // namespace

TEST_CASE("the worker that README.md shows builds against the installed sup::worker, and serves") {
    Instance instance{{.command = {"./external/shop-server"}}};
    const std::string prefix = instance.path("prefix");
    const std::string build = instance.path("external");
    succeed({"cmake", "--install", build_dir(), "--prefix", prefix});
    // With the compiler, and the sanitizers, that the library was built with.
    succeed({"cmake", "-S", source_dir() + "/tests/integration/external_worker", "-B", build, "-G", "Ninja",
             "-DCMAKE_PREFIX_PATH=" + prefix, "-DCMAKE_CXX_COMPILER=" + compiler(),
             std::string("-DCMAKE_CXX_FLAGS=") + (sanitized ? "-fsanitize=address,undefined" : ""),
             "-DCMAKE_CXX_STANDARD=20"});
    succeed({"cmake", "--build", build});

    instance.start();
    CHECK(get(instance.port()).body == "hello from generation 1\n");
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(get(instance.port()).body == "hello from generation 2\n");
    CHECK(get(instance.port(), "/elsewhere").status == 404);

    for (const char* file : {"bin/sup", "share/sup/sup.schema.json"}) {
        INFO(file);
        CHECK(std::filesystem::exists(std::filesystem::path(prefix) / file));
    }
    CHECK(run({.argv = {prefix + "/bin/sup", "--version"}}).exit_code == 0);
}

}  // namespace sup::test
