// The master's log and the workers' output in it.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace {

std::string line_with(const std::string& text, const std::string& part) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (contains(line, part)) return line;
    }
    return "";
}

}  // namespace

TEST_CASE("each line a worker prints stands in the log with its generation, slot, pid and stream") {
    const std::string format = GENERATE("text", "json");
    Instance instance{{.command = {"./talker"}, .count = 1, .ready = "50ms", .log_format = format}};
    install_script(
        "echo to the one\necho to the other >&2\nprintf 'a\\033[31mb\\007\\n'\nprintf 'no newline'\nexec "
        "sleep 1000",
        instance.path("talker"));
    instance.start();
    const pid_t worker = instance.worker_pids().at(0);
    REQUIRE(eventually([&] { return contains(instance.log(), "31mb"); }));
    const std::string log = instance.log();
    for (const auto& [text, stream] :
         {std::pair{"to the one", "stdout"}, std::pair{"to the other", "stderr"}}) {
        const std::string line = line_with(log, text);
        INFO(line);
        CHECK(contains(line, stream));
        CHECK(contains(line, std::to_string(worker)));
    }
    CHECK(log.find('\033') == std::string::npos);
    CHECK(log.find('\007') == std::string::npos);
    // What has no newline comes with the end of the worker.
    REQUIRE(instance.stop({"--now"}).exit_code == 0);
    CHECK(contains(instance.log(), "no newline"));
}

TEST_CASE("a log that was moved away continues under its name, at once at SIGUSR1 and otherwise by itself") {
    Instance instance;
    instance.start();
    const bool told = GENERATE(true, false);
    std::filesystem::rename(instance.path("sup.log"), instance.path("moved.log"));
    if (told) REQUIRE(::kill(instance.master(), SIGUSR1) == 0);
    int generation = 1;
    REQUIRE(eventually([&] {
        ++generation;
        return instance.reload({"--drained"}).exit_code == 0 &&
               std::filesystem::exists(instance.path("sup.log"));
    }));
    const auto moved = std::filesystem::file_size(instance.path("moved.log"));
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(
        eventually([&] { return contains(instance.log(), "generation " + std::to_string(generation + 1)); }));
    CHECK(std::filesystem::file_size(instance.path("moved.log")) == moved);
}

TEST_CASE("another log.file is the log from the promotion on, also for workers that share it") {
    Instance instance{{.command = {"./talker"}, .count = 1, .log_workers = "inherit"}};
    const auto say = [&](const std::string& what) {
        install_script("echo " + what + "\nexec ./worker", instance.path("talker"));
    };
    const auto at = [&](const std::string& name) { return read_file(instance.path(name)); };
    say("the first speaks");
    instance.start();
    CHECK(contains(instance.log(), "the first speaks"));

    // What cannot be opened is a mistake in the configuration, found before anything is changed.
    instance.config.log_file = "no folder/sup.log";
    instance.write_config();
    const Outcome refused = instance.reload();
    INFO(refused.text());
    CHECK(refused.exit_code == 2);
    CHECK(contains(refused.err, "/log/file: the log file " + instance.path("no folder/sup.log").string()));

    // A reload that fails leaves the log where it was.
    instance.config.log_file = "moved.log";
    instance.write_config();
    install_script("exit 1", instance.path("talker"));
    CHECK(instance.reload().exit_code == 1);
    CHECK(contains(instance.log(), "a reload failed: "));
    CHECK(at("moved.log").empty());

    say("the next speaks");
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(contains(instance.log(), "the log continues in " + instance.path("moved.log").string()));
    CHECK(contains(at("moved.log"), "until now it was in " + instance.path("sup.log").string()));
    CHECK(contains(at("moved.log"), "the next speaks"));
    CHECK(!contains(instance.log(), "the next speaks"));

    // One that crashes comes back with the master's own, which is where the log is.
    const auto size = instance.log().size();
    REQUIRE(::kill(instance.worker_pids().at(0), SIGKILL) == 0);
    const auto twice = [&] {
        const std::string log = at("moved.log");
        return log.find("the next speaks") != log.rfind("the next speaks");
    };
    CHECK(eventually(twice));

    // Without the key it is where a start would put it.
    instance.config.log_file = "";
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    CHECK(contains(at("run/test/sup.log"), "until now it was in " + instance.path("moved.log").string()));
    CHECK(contains(at("moved.log"), "grows without limit"));
    CHECK(instance.log().size() == size);
    REQUIRE(instance.stop().exit_code == 0);
    const Outcome started = instance.try_start();
    CHECK(started.exit_code == 0);
    CHECK(contains(started.err, "run/test/sup.log grows without limit"));
    CHECK(instance.stop().exit_code == 0);
}

TEST_CASE("a worker that prints as fast as it can neither blocks the master nor is blocked for ever") {
    Instance instance{{.command = {"./flood"}, .count = 1, .ready = "50ms"}};
    install_script("seq 1 100000\necho the flood is over\nexec sleep 1000", instance.path("flood"));
    instance.start();
    REQUIRE(eventually([&] { return contains(instance.log(), "the flood is over"); }));
    CHECK(contains(instance.log(), "99999"));
    CHECK(instance.status().state == "running");
    CHECK(instance.reload().exit_code == 0);
}

TEST_CASE("a line without end is cut, and memory stays bounded") {
    Instance instance{{.command = {"./endless"}, .count = 1, .ready = "50ms"}};
    install_script("head -c 5000000 /dev/zero | tr '\\0' x\necho\necho the end\nexec sleep 1000",
                   instance.path("endless"));
    instance.start();
    REQUIRE(eventually([&] { return contains(instance.log(), "the end"); }));
    std::size_t longest = 0;
    std::istringstream lines(instance.log());
    for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
    CHECK(longest < 1024 * 1024);
}

TEST_CASE(
    "an output that a descendant keeps is captured after the worker's own end, and nobody spins on it") {
    Instance instance{{.command = {"./parent"}, .count = 1, .ready = "50ms", .leftovers = "leave"}};
    // setsid: out of the worker's group, so it outlives the worker, and holds its output.
    install_script(
        "if [ $SUP_GENERATION = 1 ]; then\n"
        "  setsid sh -c 'until [ -e speak ]; do sleep 0.05; done; echo spoken late; touch spoken' &\n"
        "fi\nexec sleep 1000",
        instance.path("parent"));
    instance.start();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    write_file(instance.path("speak"), "");
    REQUIRE(eventually([&] { return std::filesystem::exists(instance.path("spoken")); }));
    CHECK(eventually([&] { return contains(instance.log(), "spoken late"); }));
    const auto ticks = [&] {  // utime and stime of the master
        std::istringstream rest(read_file("/proc/" + std::to_string(instance.master()) + "/stat"));
        std::string field;
        long used = 0;
        for (int i = 1; rest >> field && i <= 15; ++i) {
            if (i >= 14) used += std::stol(field);
        }
        return used;
    };
    const long before = ticks();
    std::this_thread::sleep_for(std::chrono::seconds(1));
    CHECK(ticks() - before < 50);  // of 100 that a spinning one would use
}

TEST_CASE("a stop does not wait for a daemon that a worker left behind with its output") {
    Instance instance{{.command = {"./parent"}, .count = 1, .ready = "50ms"}};
    install_script("setsid sh -c 'until [ -e leave ]; do sleep 0.05; done' &\nexec sleep 1000",
                   instance.path("parent"));
    instance.start();
    CHECK(instance.stop().exit_code == 0);
    CHECK(!proc::alive(instance.master()));
    write_file(instance.path("leave"), "");
    CHECK(eventually([&] { return instance.sandbox()->processes().empty(); }));
}

}  // namespace sup::test
