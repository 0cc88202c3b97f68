#include "master/log/paced_lines.h"

#include <vector>

#include "tests/catch.h"

using namespace std::chrono_literals;

namespace {

struct Said {
    sup::uv::Loop loop;
    std::vector<std::string> lines;
    sup::PacedLines paced{loop.get(), 20ms, [this](const std::string& line) { lines.push_back(line); }};

    void run_until_idle() { uv_run(loop.get(), UV_RUN_DEFAULT); }
};

}  // namespace

TEST_CASE("a line that comes thousands of times is said once, and then how often it came") {
    Said said;
    for (int i = 0; i < 2001; ++i) said.paced.add("shut down");
    said.paced.add("another");
    CHECK(said.lines == std::vector<std::string>{"shut down", "another"});
    said.run_until_idle();
    CHECK(said.lines ==
          std::vector<std::string>{"shut down", "another", "shut down (2000 more times in 20ms)"});
    said.paced.add("another");
    CHECK(said.lines.back() == "another");
}

TEST_CASE("what was counted is said when no more can come") {
    Said said;
    said.paced.add("shut down");
    said.paced.add("shut down");
    said.paced.stop();
    CHECK(said.lines.back() == "shut down (1 more time in 20ms)");
    said.run_until_idle();
    CHECK(said.lines.size() == 2);
}
