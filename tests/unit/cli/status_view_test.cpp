#include "master/cli/status_view.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "master/status/json.h"
#include "tests/catch.h"
#include "tests/temporary_directory.h"

using namespace sup::cli;
using nlohmann::json;

namespace {

// 2026-11-22T10:00:00Z
constexpr std::time_t reloaded_at = 1795341600;

StatusView plain_view() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    return {Style{false}, std::chrono::system_clock::from_time_t(reloaded_at + 125)};
}

json worker(int slot, int pid, const char* state) {
    return {{"slot", slot},       {"pid", pid},   {"state", state},       {"uptime_ms", 1200},
            {"restarts", 0},      {"status", ""}, {"rss_bytes", 5242880}, {"connections", nullptr},
            {"requests", nullptr}};
}

json sample() {
    return json::parse(R"({
        "name": "hello", "pid": 4711, "state": "running", "degraded": false, "version": "0.1.0",
        "config": "/etc/sup/hello.json", "uptime_ms": 11520000,
        "listeners": [ { "name": "http", "address": "127.0.0.1:8999" }, { "name": "admin", "address": "[::1]:9000" } ],
        "generations": [ { "generation": 2, "state": "active", "count": 2,
            "executable": { "path": "/srv/hello-worker", "pinned": true, "device": 1, "inode": 42, "size": 71336,
                            "mtime": "2026-11-22T10:00:00Z" },
            "started_at": "2026-11-22T10:00:00Z", "uptime_ms": 125000, "workers": [], "awaiting_restart": [] } ],
        "last_reload": { "generation": 2, "outcome": "promoted", "reason": "", "duration_ms": 9,
                         "at": "2026-11-22T10:00:00Z" } })");
}

// As a command reads it.
std::string page(const json& status) {
    return render_status(sup::status::read_picture(status), plain_view());
}

// However the terminal's width has wrapped it.
std::string in_one_line(const std::string& text) {
    std::istringstream words(text);
    std::string line;
    for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
    return line;
}

}  // namespace

TEST_CASE("a status is a page that a person likes to read") {
    json status = sample();
    status["generations"][0]["workers"] = {worker(0, 4712, "ready"), worker(1, 104713, "ready")};
    CHECK(page(status) ==
          "hello  running  pid 4711  up 3h 12m  sup 0.1.0\n"
          "config       /etc/sup/hello.json\n"
          "listening    http 127.0.0.1:8999, admin [::1]:9000\n"
          "\n"
          "generation 2  active  started 2m 5s ago\n"
          "  /srv/hello-worker  (69.6 KiB, of 2026-11-22 10:00:00, pinned)\n"
          "  SLOT     PID  STATE   AGE  RESTARTS   MEMORY\n"
          "     0    4712  ready  1.2s         0  5.0 MiB\n"
          "     1  104713  ready  1.2s         0  5.0 MiB\n"
          "\n"
          "last reload  promoted generation 2 in 9ms, 2m 5s ago\n");
}

TEST_CASE("what a worker tells about itself has columns of its own") {
    json status = sample();
    json talkative = worker(0, 4712, "draining");
    talkative.update({{"connections", 3}, {"requests", 12}, {"status", "closing\033[2J"}});
    status["generations"][0]["workers"] = {talkative, worker(1, 4713, "ready")};
    const std::string text = page(status);
    CHECK_THAT(text,
               Catch::Contains(
                   "  SLOT   PID  STATE      AGE  RESTARTS   MEMORY  CONNECTIONS  REQUESTS  STATUS\n"
                   "     0  4712  draining  1.2s         0  5.0 MiB            3        12  closing\\x1b[2J\n"
                   "     1  4713  ready     1.2s         0  5.0 MiB\n"));
}

TEST_CASE("a degraded instance says so, and shows the slots that wait") {
    json status = sample();
    status["degraded"] = true;
    status["generations"][0]["workers"] = json::array({worker(0, 4712, "ready")});
    status["generations"][0]["awaiting_restart"] = json::array({1});
    const std::string text = page(status);
    CHECK_THAT(text, Catch::Contains("running (degraded: a worker is waiting to be restarted)"));
    CHECK_THAT(text, Catch::Contains("     1        restarting\n"));
}

TEST_CASE("a failed reload shows its reason on one line") {
    json status = sample();
    status["last_reload"] = {{"generation", nullptr},
                             {"outcome", "failed"},
                             {"reason", "line one\nline two"},
                             {"duration_ms", 3},
                             {"at", "2026-11-22T10:02:05Z"}};
    CHECK_THAT(page(status), Catch::Contains("last reload  failed in 3ms, just now: line one line two\n"));
}

TEST_CASE("a script is shown as not pinned, and a file that has changed on disk is pointed out") {
    json status = sample();
    json& generation = status["generations"][0];
    CHECK_THAT(page(status), !Catch::Contains("is at its path"));
    generation["executable"]["at_path"] = "other";
    CHECK_THAT(page(status),
               Catch::Contains("pinned)\n  another file is at its path now; `sup reload` starts it\n"));
    generation["executable"]["at_path"] = "gone";
    CHECK_THAT(page(status),
               Catch::Contains("the file is gone from its path; its generation keeps running\n"));
    generation["state"] = "draining";
    generation["executable"]["pinned"] = false;
    CHECK_THAT(page(status), !Catch::Contains("gone from"));
    CHECK_THAT(page(status), Catch::Contains("a script: not pinned"));
}

TEST_CASE("a status tells the release where the program's path does not, and what was changed under it") {
    json status = sample();
    json& generation = status["generations"][0];
    generation["release"] = "/srv";
    CHECK_THAT(page(status), !Catch::Contains("release  "));
    generation["release"] = "/srv/releases/7";
    generation["changes"] = {"/srv/x is not the same script as when its generation was made"};
    CHECK_THAT(page(status),
               Catch::Contains("  release  /srv/releases/7\n  /srv/x is not the same script as"));
}

TEST_CASE("a status with other or missing members is shown as far as it goes") {
    CHECK_NOTHROW(page(nullptr));
    CHECK_NOTHROW(page(json::object()));
    CHECK_NOTHROW(page({{"name", 7}, {"listeners", 7}, {"generations", "x"}, {"last_reload", {7}}}));
    CHECK_NOTHROW(page({{"generations", {{{"workers", 7}, {"awaiting_restart", {"x"}}}, 7}},
                        {"last_reload", {{"at", "yesterday"}}}}));
}

TEST_CASE("a list is a table") {
    sup::status::Listed running;
    running.name = "a";
    running.pid = 7;
    running.state = "running";
    running.config = "/a.json";
    sup::status::Listed stuck;
    stuck.name = "long";
    CHECK(render_list({running, stuck}, Style{false}) ==
          "NAME  PID  STATE           CONFIG\n"
          "a       7  running         /a.json\n"
          "long       not responding\n");
}

TEST_CASE("workers without a master are named") {
    const Found found{"hello", "/run/sup",   sup::InstancePaths{"/run/sup", "hello"}, false,
                      0,       std::nullopt, {{{123, 1}, 2, 0}, {{1124, 1}, 2, 1}}};
    CHECK(render_orphans(found, Style{false}) ==
          "the master of hello is gone; these workers of it still serve:\n"
          "  GENERATION  SLOT   PID\n"
          "           2     0   123\n"
          "           2     1  1124\n"
          "`sup stop hello` ends them");
    CHECK(describe_workers(found.orphans) == "workers 123 and 1124");
    CHECK(describe_workers({{{1, 0}, 1, 0}}) == "worker 1");
    CHECK(describe_workers({{{1, 0}, 1, 0}, {{2, 0}, 1, 1}, {{3, 0}, 1, 2}}) == "workers 1, 2 and 3");
}

TEST_CASE("an instance that serves nobody is DOWN, and the slot says why") {
    json status = sample();
    json row = worker(0, 0, "restarting");
    row.update({{"pid", nullptr},
                {"uptime_ms", nullptr},
                {"last_exit", {{"how", "exited with code 3"}, {"ago_ms", 2000}}},
                {"retry_in_ms", 400},
                {"short_lives", 4}});
    status.update({{"state", "down"}, {"degraded", true}, {"serving", 0}, {"wanted", 1}});
    status["generations"][0]["workers"] = json::array({row});
    status["generations"][0]["awaiting_restart"] = json::array({0});
    const std::string text = page(status);
    CHECK_THAT(text, Catch::Contains("hello  DOWN (no worker is ready)  0 of 1 workers ready"));
    CHECK_THAT(in_one_line(text),
               Catch::Contains("the last one exited with code 3 2.0s ago; next try in 400ms; ended early 4 "
                               "times in a row"));
    CHECK(text.find("restarting") == text.rfind("restarting"));
}

TEST_CASE("a queue and what is wrong with a listener are shown beside it") {
    json status = sample();
    status["degraded"] = true;
    status["listeners"][0].update({{"kind", "tcp"},
                                   {"queue", 37},
                                   {"queue_limit", 4096},
                                   {"problem", "nobody accepts from http: 37 clients wait"}});
    const std::string text = page(status);
    CHECK_THAT(text, Catch::Contains("http 127.0.0.1:8999 (queue 37 of 4096), admin"));
    CHECK_THAT(text, Catch::Contains("nobody accepts from http: 37 clients wait\n"));
    CHECK_THAT(text, Catch::Contains("(degraded: a listener is not served)"));
}

TEST_CASE("the exit code is what the master says of its health") {
    json status = sample();
    for (const auto& [health, code] :
         {std::pair("well", ExitCode::done), {"degraded", ExitCode::degraded}, {"down", ExitCode::down}}) {
        status["health"] = health;
        CHECK(health_of(sup::status::read_picture(status)) == code);
    }
}
