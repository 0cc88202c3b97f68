#include "master/spawn/descriptor_limit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

namespace {

// Both functions change the whole process, so a child does it: its exit code is what `body` returns.
int in_child(int (*body)()) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(body());
    const int status = wait_for_exit(child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("the soft descriptor limit is raised to the hard one, and what it was is returned") {
    CHECK(in_child([] {
              const rlimit low{50, 70};
              if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return 1;
              const auto before = raise_descriptor_limit();
              rlimit now{};
              ::getrlimit(RLIMIT_NOFILE, &now);
              if (!before || before->rlim_cur != 50 || before->rlim_max != 70) return 2;
              return now.rlim_cur == 70 && now.rlim_max == 70 ? 0 : 3;
          }) == 0);
}

TEST_CASE("closed standard descriptors become /dev/null, and open ones stay") {
    CHECK(in_child([] {
              const int marker = ::open("/proc/self/stat", O_RDONLY);
              if (::dup2(marker, 1) != 1) return 1;
              ::close(marker);
              ::close(0);
              ::close(2);
              if (!ensure_standard_descriptors()) return 2;
              char target[100] = {};
              if (::readlink("/proc/self/fd/1", target, sizeof target - 1) < 0) return 3;
              if (std::string(target).find("/stat") == std::string::npos) return 4;
              for (const char* path : {"/proc/self/fd/0", "/proc/self/fd/2"}) {
                  char null[100] = {};
                  if (::readlink(path, null, sizeof null - 1) < 0 || std::string(null) != "/dev/null")
                      return 5;
              }
              return 0;
          }) == 0);
}

TEST_CASE("a worker's descriptors must lie within the limit, with room to arrange them") {
    config::Config config;
    config.listen.resize(2);
    CHECK(check_worker_descriptors(config, 16));
    CHECK_FALSE(check_worker_descriptors(config, 8));
    config.worker.ready = config::ReadyByNewline{1023};
    CHECK(check_worker_descriptors(config, 4096));
    const Status refused = check_worker_descriptors(config, 1024);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Matchers::Contains("descriptor 1023") &&
                                            Catch::Matchers::Contains("the limit of 1024 open files"));
}
