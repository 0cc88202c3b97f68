#include "master/process/process_info.h"

#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

TEST_CASE("a living process has memory and a name, and one that is gone has neither") {
    const auto bytes = process_rss_bytes(::getpid());
    REQUIRE(bytes);
    CHECK(*bytes > 100'000);
    CHECK(process_command(::getpid()) == "unit-process");

    const auto spawned = spawn(command({"/bin/true"}).request(STDOUT_FILENO, STDERR_FILENO));
    REQUIRE(spawned);
    wait_for_exit(spawned->pid);
    CHECK_FALSE(process_rss_bytes(spawned->pid));
    CHECK(process_command(spawned->pid).empty());
}
