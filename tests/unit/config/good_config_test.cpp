#include <sched.h>

#include <chrono>
#include <csignal>
#include <string>

#include "config/load.h"
#include "tests/catch.h"

using namespace std::chrono_literals;
using namespace sup::config;

namespace {

Config parse(const std::string& text, const std::string& path = "/etc/sup/shop.json") {
    const auto config = parse_config(text, path);
    INFO((config.ok() ? "" : to_text(config.error())));
    REQUIRE(config.ok());
    return *config;
}

std::string minimal_with(const std::string& keys) {
    return R"({"listen": [], "worker": {"command": ["x"]}, )" + keys + "}";
}
std::string minimal_with_worker(const std::string& keys) {
    return R"({"listen": [], "worker": {"command": ["x"], )" + keys + "}}";
}

}  // namespace

TEST_CASE("the bounds of a log, and how long workers wait for its reader") {
    const auto log = [](const std::string& keys) {
        const auto config = parse_config(
            R"({"listen": [], "worker": {"command": ["x"]}, "log": )" + keys + "}", "/etc/sup.json");
        REQUIRE(config.ok());
        return config->log;
    };
    const auto given =
        log(R"({"max_size": "1MiB", "keep": 0, "when_slow": {"wait": "250ms", "queue": "64KiB"}})");
    CHECK(given.max_size == 1U << 20U);
    CHECK(given.keep == 0U);
    CHECK(given.when_slow == WhenSlow{std::chrono::milliseconds(250), 64U << 10U});
    CHECK_FALSE(log(R"({"when_slow": {"wait": "forever"}})").when_slow.wait.has_value());
    CHECK(log(R"({"max_size": "0"})").max_size == 0U);
}

TEST_CASE("what a configuration does not say has the documented default") {
    const Config config =
        parse(R"({"listen": [{"address": "127.0.0.1:80"}], "worker": {"command": ["server"]}})");
    CHECK(config.file == "/etc/sup/shop.json");
    CHECK(config.name == "shop");
    Listen listen;
    listen.name = "listen0";
    listen.address.place = InetAddress{"127.0.0.1", 80};
    listen.backlog = 4096;
    listen.nonblock = false;
    CHECK(config.listen == std::vector<Listen>{listen});
    CHECK(config.worker.program == "server");
    CHECK(config.worker.count == 1);
    CHECK(config.worker.cwd == "/etc/sup");
    CHECK(config.worker.env.empty());
    CHECK(config.worker.protocols == std::vector{Protocol::systemd});
    CHECK(config.worker.ready == Ready{ReadyByNotify{}});
    CHECK(config.worker.ready_timeout == 30s);
    CHECK(config.worker.end_leftovers);
    CHECK(config.drain.to == DrainTo::automatic);
    CHECK(config.drain.signal == SIGTERM);
    CHECK(config.drain.timeout == 30s);
    CHECK_FALSE(config.reload.soak);
    CHECK(config.reload.max_draining == 4);
    CHECK(config.restart.min_uptime == 1s);
    CHECK(config.restart.backoff_min == 100ms);
    CHECK(config.restart.backoff_max == 30s);
    CHECK(config.log.level == LogLevel::info);
    CHECK(config.log.format == LogFormat::text);
    CHECK(config.log.workers == WorkerOutput::capture);
    CHECK_FALSE(config.log.file.has_value());
    CHECK_FALSE(config.log.max_size.has_value());
    CHECK_FALSE(config.log.keep.has_value());
    CHECK(config.log.when_slow == WhenSlow{std::chrono::seconds(2), 8U << 20U});
}

TEST_CASE("every key arrives where it belongs") {
    const Config config = parse(R"({
        "$schema": "./sup.schema.json",
        "name": "web.1_x-Y",
        "listen": [
            { "name": "http", "address": "*:0", "backlog": 16, "nonblock": true },
            { "address": "[::]:443", "ipv6only": false, "tcp_nodelay": true, "fastopen": 8,
              "defer_accept": "1500ms" },
            { "address": "unix:run/x.sock", "mode": "660", "owner": "root", "group": "33" },
            { "address": "udp:[::]:53", "ipv6only": true, "reuseport": true }
        ],
        "worker": {
            "command": ["./bin/server", "--port=80", "", "./as-it-is", "é"],
            "count": 3, "cwd": "sub/folder", "env": { "A": "b=c", "EMPTY": "" },
            "ready": "250ms", "ready_timeout": "2m", "leftovers": "leave"
        },
        "drain": { "to": "ready", "signal": "QUIT", "timeout": "1h" },
        "reload": { "strategy": "rolling", "max_surge": 3, "soak": "5s", "max_draining": 9 },
        "restart": { "min_uptime": "0s", "backoff_min": "1ms", "backoff_max": "1ms" },
        "log": { "level": "debug", "format": "json", "workers": "inherit", "file": "/var/log/sup.log" }
    })");
    CHECK(config.name == "web.1_x-Y");
    REQUIRE(config.listen.size() == 4);
    const Listen& http = config.listen[0];
    CHECK(http.name == "http");
    CHECK(http.address == Address{Transport::stream, InetAddress{"*", 0}});
    CHECK(http.backlog == 16);
    CHECK(http.nonblock);
    const Listen& https = config.listen[1];
    CHECK(https.name == "listen1");
    CHECK(https.address == Address{Transport::stream, InetAddress{"*", 443}});
    CHECK(https.tcp_nodelay == true);
    CHECK(https.fastopen == 8);
    CHECK(https.defer_accept == 1500ms);
    const Listen& unix_socket = config.listen[2];
    CHECK(unix_socket.address == Address{Transport::stream, UnixAddress{"/etc/sup/run/x.sock"}});
    CHECK(unix_socket.access == FileAccess{0660, "root", "33"});
    CHECK(config.listen[3].reuseport);
    CHECK(config.listen[3].address == Address{Transport::datagram, InetAddress{"::", 53}});
    CHECK(config.worker.program == "/etc/sup/bin/server");
    CHECK(config.worker.arguments ==
          std::vector{Template("--port=80"), Template(""), Template("./as-it-is"), Template("é")});
    CHECK(config.worker.count == 3);
    CHECK(config.worker.cwd == "/etc/sup/sub/folder");
    CHECK(config.worker.env ==
          std::map<std::string, Template>{{"A", Template("b=c")}, {"EMPTY", Template("")}});
    CHECK(config.worker.ready == Ready{ReadyAfter{250ms}});
    CHECK(config.worker.ready_timeout == 2min);
    CHECK_FALSE(config.worker.end_leftovers);
    CHECK(config.drain.to == DrainTo::ready);
    CHECK(config.drain.signal == SIGQUIT);
    CHECK(config.drain.timeout == 1h);
    CHECK(config.reload.strategy == Strategy::rolling);
    CHECK(config.reload.max_surge == 3);
    CHECK(config.reload.soak == 5s);
    CHECK(config.reload.max_draining == 9);
    CHECK(config.restart.min_uptime == 0s);
    CHECK(config.restart.backoff_min == 1ms);
    CHECK(config.restart.backoff_max == 1ms);
    CHECK(config.log.level == LogLevel::debug);
    CHECK(config.log.format == LogFormat::json);
    CHECK(config.log.workers == WorkerOutput::inherit);
    CHECK(config.log.file == "/var/log/sup.log");
}

TEST_CASE("arguments and environment values may have placeholders, and the program has none") {
    const Config config = parse(R"({
        "listen": [{ "name": "http", "address": "*:0" }],
        "worker": { "command": ["./a{b", "--fd={fd:http}", "{{}{slot}"], "env": { "A": "{generation}", "PATH": "/x{{" } }
    })");
    CHECK(config.worker.program == "/etc/sup/a{b");
    CHECK(config.worker.arguments.at(0).pieces() ==
          std::vector<Piece>{"--fd=", Placeholder{"fd", "http", 5}});
    CHECK(config.worker.arguments.at(1).pieces() == std::vector<Piece>{"{}", Placeholder{"slot", "", 3}});
    CHECK(config.worker.env.at("A").placeholders().size() == 1);
    CHECK(config.worker.env.at("PATH").pieces() == std::vector<Piece>{"/x{"});
}

TEST_CASE("the ways to be told of listeners and to be ready") {
    const auto worker = [](const std::string& keys) {
        return parse(R"({"listen": [{"address": "*:0"}], "worker": {"command": ["x"], )" + keys + "}}")
            .worker;
    };
    CHECK(worker(R"("protocols": ["nginx", "php-fpm", "server-starter"])").protocols ==
          std::vector{Protocol::nginx, Protocol::php_fpm, Protocol::server_starter});
    CHECK(worker(R"("protocols": ["stdin"], "ready": {"fd": 3})").ready == Ready{ReadyByNewline{3}});
    CHECK(worker(R"("ready": {"fd": 4})").ready == Ready{ReadyByNewline{4}});
    CHECK(worker(R"("protocols": ["systemd", "einhorn"])").ready == Ready{ReadyByAck{}});
    CHECK(worker(R"("protocols": ["einhorn"], "ready": "einhorn-ack")").ready == Ready{ReadyByAck{}});
    CHECK(worker(R"("protocols": ["einhorn"], "ready": "notify")").ready == Ready{ReadyByNotify{}});
}

TEST_CASE("comments, a byte order mark and either line end are allowed") {
    parse(
        "\xEF\xBB\xBF// one\r\n{ /* two */ \"listen\": [], // three\r\n\"worker\": {\"command\": [\"x\"]}}// "
        "four");
}

TEST_CASE("a program without a slash is left to PATH, with one it is relative to the file") {
    const auto program = [](const std::string& written) {
        return parse(R"({"listen": [], "worker": {"command": [")" + written + R"("]}})").worker.program;
    };
    CHECK(program("server") == "server");
    CHECK(program("./server") == "/etc/sup/server");
    CHECK(program("bin/server") == "/etc/sup/bin/server");
    CHECK(program("/usr/bin/server") == "/usr/bin/server");
}

TEST_CASE("auto means one worker for each CPU of this process's affinity mask") {
    cpu_set_t before;
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    CHECK(parse(minimal_with_worker(R"("count": "auto")")).worker.count ==
          static_cast<unsigned>(CPU_COUNT(&before)));

    int first = 0;
    while (!CPU_ISSET(first, &before)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(parse(minimal_with_worker(R"("count": "auto")")).worker.count == 1);
    REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("several listeners may leave the port to the kernel") {
    const Config config = parse(
        R"({"worker": {"command": ["x"]}, "listen": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0"}]})");
    CHECK(config.listen.size() == 2);
}

TEST_CASE("listeners on one port may share it where the kernel lets them") {
    parse(R"({"worker": {"command": ["x"]},
              "listen": [{"address": "127.0.0.1:80"}, {"address": "127.0.0.2:80"}, {"address": "[::]:80"}]})");
}

TEST_CASE("the file's stem is the default name") {
    const std::string text = minimal_with(R"("log": {})");
    CHECK(parse(text, "/etc/hello.json").name == "hello");
    CHECK(parse(text, "/etc/hello.prod.json").name == "hello.prod");
    CHECK(parse(text, "/etc/hello").name == "hello");
    CHECK(parse(text, "/etc/.json").name == ".json");
}
