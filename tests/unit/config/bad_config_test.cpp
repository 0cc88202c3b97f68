// A table of bad inputs: where each problem is said to be, and what is said.
#include <unistd.h>

#include <string>
#include <vector>

#include "config/load.h"
#include "tests/catch.h"

namespace {

using sup::config::parse_config;
using sup::config::Position;
using sup::config::Problem;

struct Row {
    std::string text;
    Position position;
    std::string pointer;
    std::string words;  // what the message contains
};

// What a configuration cannot do without, behind `keys`; so `keys` begins at line 1, column 2.
std::string with(const std::string& keys) {
    return "{" + keys + R"(, "listen": [], "worker": {"command": ["x"]}})";
}
// The same for keys of the worker, which begin at line 1, column 30.
std::string with_worker(const std::string& keys) {
    return R"({"listen": [], "worker": {    )" + keys + R"(, "command": ["x"]}})";
}
// The same for one listener, which begins at line 2, column 1; the first is "a" at 127.0.0.1:1.
std::string with_listener(const std::string& listener) {
    return "{\"worker\": {\"command\": [\"x\"]}, \"listen\": [{\"name\": \"a\", \"address\": "
           "\"127.0.0.1:1\"},\n" +
           listener + "]}";
}

void check(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        INFO(row.text);
        const auto config = parse_config(row.text, "/etc/sup/test.json");
        REQUIRE_FALSE(config.ok());
        INFO(to_text(config.error()));
        REQUIRE(config.error().list.size() == 1);
        const Problem& problem = config.error().list.front();
        CHECK(problem.position.line == row.position.line);
        CHECK(problem.position.column == row.position.column);
        CHECK(problem.pointer == row.pointer);
        CHECK(problem.message.find(row.words) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("a text that is not JSON is refused at the place where it goes wrong") {
    check({
        {"", {1, 1}, "", "the file has no content"},
        {" // nothing\n", {1, 12}, "", "the file has no content"},
        {"\n{\n  \"listen\": [\n", {3, 14}, "", "the array that begins at line 3, column 13 is not closed"},
        {"{\n\"listen\": []\n\n", {2, 13}, "", "the object that begins at line 1, column 1 is not closed"},
        {"{\"listen\": [],}", {1, 14}, "", "a comma before the closing }"},
        {"{\"listen\": [1 , ]}", {1, 15}, "", "a comma before the closing ]"},
        {"{\"listen\": [],,}", {1, 15}, "", "expected a key in double quotes, found ,"},
        {"{\"listen\": []\n  \"name\": \"x\"}", {2, 3}, "", "expected ',' or '}', found \"name\""},
        {"{\"listen\": [1 2]}", {1, 15}, "", "expected ',' or ']', found 2"},
        {"{\"listen\" []}", {1, 11}, "", "expected ':' after the key, found ["},
        {"{\"listen\":: []}", {1, 11}, "", "expected a value, found :"},
        {"{listen: []}", {1, 2}, "", "expected a key in double quotes, found listen"},
        {"{'listen': []}", {1, 2}, "", "found 'listen' (strings are written in double quotes)"},
        {"{\n# port\n}", {2, 1}, "", "(a comment begins with //)"},
        {"{ / port\n}", {1, 3}, "", "(a comment begins with //)"},
        {"{\n /* port\n}", {2, 2}, "", "a comment without its closing */"},
        {"{\"listen\": True}", {1, 12}, "", "expected a value, found True"},
        {"{\"listen\": tru}", {1, 12}, "", "expected a value, found tru"},
        {"{\"listen\": 01}", {1, 13}, "", "expected ',' or '}', found 1"},
        {"{\"listen\": 1.}", {1, 12}, "", "expected a value, found 1."},
        {"{\"listen\": 1e999}", {1, 12}, "", "a number too large"},
        {"{} x", {1, 4}, "", "expected the end of the file, found x"},
        {"{} 'x", {1, 4}, "", "expected the end of the file, found 'x"},
        {"{\"unexpected end of input\\q", {1, 27}, "", "forbidden character after backslash"},
        {"{}}", {1, 3}, "", "expected the end of the file, found }"},
        {"{\"name\": \"x\n\"}", {1, 10}, "", "a string without its closing quote"},
        {"{\"name\": \"x", {1, 10}, "", "a string without its closing quote"},
        {"{\"name\": \"a\tb\"}", {1, 12}, "", "must be escaped"},
        {"{\"name\": \"a\\q\"}", {1, 13}, "", "forbidden character after backslash"},
        {"{\"name\": \"\\ud800\"}", {1, 17}, "", "surrogate"},
        {"{\"name\": \"\xE9x\"}", {1, 11}, "", "not UTF-8"},
        {"{\"name\": \"\xC3\xA9\x80\"}", {1, 12}, "", "not UTF-8"},
        {"\xEF\xBB{}", {1, 1}, "", "not UTF-8"},
        {std::string("{}\0{", 4), {1, 3}, "", "a NUL byte"},
        {std::string(33, '['), {1, 33}, "", "nested deeper than 32 levels"},
        {std::string(100'000, '['), {1, 33}, "", "nested deeper than 32 levels"},
    });
}

TEST_CASE("a value of the wrong type is refused, with what was expected and what was found") {
    check({
        {"[]", {1, 1}, "", "expected an object, found an empty array"},
        {"3", {1, 1}, "", "expected an object, found 3"},
        {with(R"("$schema": 1)"), {1, 13}, "/$schema", "expected the address of a JSON schema, found 1"},
        {with(R"("name": null)"), {1, 10}, "/name", "found null"},
        {with(R"("drain": [])"), {1, 11}, "/drain", "expected an object, found an empty array"},
        {with(R"("drain": {"timeout": 30})"), {1, 23}, "/drain/timeout", "the number 30 without a unit"},
        {with(R"("drain": {"timeout": true})"), {1, 23}, "/drain/timeout", "expected a duration such as"},
        {with(R"("drain": {"signal": 15})"), {1, 22}, "/drain/signal", "expected the name of a signal"},
        {with(R"("reload": {"max_draining": "4"})"), {1, 29}, "/reload/max_draining", "found \"4\""},
        {with(R"("reload": {"strategy": 1})"),
         {1, 25},
         "/reload/strategy",
         "expected \"replace\" or \"rolling\", found 1"},
        {with(R"("log": {"level": 3})"), {1, 19}, "/log/level", "or \"error\", found 3"},
        {with(R"("log": {"file": ["a"]})"), {1, 18}, "/log/file", "expected a path, found an array"},
        {R"({"listen": {}, "worker": {"command": ["x"]}})",
         {1, 12},
         "/listen",
         "expected an array of listeners"},
        {with_listener(R"("127.0.0.1:80")"),
         {2, 1},
         "/listen/1",
         "expected an object, found \"127.0.0.1:80\""},
        {with_listener(R"({"address": 80})"), {2, 13}, "/listen/1/address", "expected an address such as"},
        {with_listener(R"({"address": "*:2", "nonblock": 1})"),
         {2, 32},
         "/listen/1/nonblock",
         "true or false"},
        {with_listener(R"({"address": "*:2", "backlog": 1.5})"), {2, 31}, "/listen/1/backlog", "found 1.5"},
        {R"({"listen": [], "worker": "x"})", {1, 26}, "/worker", "expected an object, found \"x\""},
        {R"({"listen": [], "worker": {"command": "./x -v"}})",
         {1, 38},
         "/worker/command",
         "an array of strings"},
        {R"({"listen": [], "worker": {"command": ["x", 1]}})",
         {1, 44},
         "/worker/command/1",
         "a string, found 1"},
        {R"({"listen": [], "worker": {"command": [null]}})", {1, 39}, "/worker/command/0", "found null"},
        {with_worker(R"("count": "2")"), {1, 40}, "/worker/count", "or \"auto\", found \"2\""},
        {with_worker(R"("env": ["A=b"])"), {1, 38}, "/worker/env", "expected an object of strings"},
        {with_worker(R"("env": {"PORT": 80})"),
         {1, 47},
         "/worker/env/PORT",
         "a string in double quotes, found 80"},
        {with_worker(R"("ready": 5)"), {1, 40}, "/worker/ready", "expected \"notify\", \"einhorn-ack\""},
    });
}

TEST_CASE("a value out of range is refused, with the range") {
    check({
        {with(R"("name": "a b")"), {1, 10}, "/name", "found \"a b\""},
        {with(R"("name": "")"), {1, 10}, "/name", "1 to 64"},
        {with(R"("name": "..")"), {1, 10}, "/name", "other than \".\" and \"..\""},
        {with("\"name\": \"" + std::string(65, 'a') + "\""), {1, 10}, "/name", "1 to 64"},
        {with_worker(R"("count": 0)"),
         {1, 40},
         "/worker/count",
         "a whole number from 1 to 4096 or \"auto\", found 0"},
        {with_worker(R"("count": 4097)"), {1, 40}, "/worker/count", "from 1 to 4096"},
        {with_worker(R"("count": 99999999999999999999)"),
         {1, 40},
         "/worker/count",
         "found 99999999999999999999"},
        {with_worker(R"("count": 2.0)"), {1, 40}, "/worker/count", "found 2.0"},
        {with_worker(R"("cwd": "")"), {1, 38}, "/worker/cwd", "expected a path, found \"\""},
        {with_worker(R"("ready_timeout": "0s")"),
         {1, 48},
         "/worker/ready_timeout",
         "of at least 1ms, found \"0s\""},
        {with_worker(R"("ready": "-1s")"), {1, 40}, "/worker/ready", "found \"-1s\""},
        {R"({"listen": [], "worker": {"command": []}})", {1, 38}, "/worker/command", "found an empty array"},
        {R"({"listen": [], "worker": {"command": [""]}})",
         {1, 39},
         "/worker/command/0",
         "the path or name of a program"},
        {with(R"("drain": {"timeout": "4000d"})"), {1, 23}, "/drain/timeout", "more than ten years"},
        {with(R"("drain": {"timeout": "30 s"})"), {1, 23}, "/drain/timeout", "found \"30 s\""},
        {with(R"("drain": {"timeout": "0"})"), {1, 23}, "/drain/timeout", "at least 1ms"},
        {with(R"("drain": {"signal": "SIGKILL"})"), {1, 22}, "/drain/signal", "cannot be caught"},
        {with(R"("drain": {"signal": "STOP"})"), {1, 22}, "/drain/signal", "cannot be caught"},
        {with(R"("drain": {"signal": "SIGSEGV"})"),
         {1, 22},
         "/drain/signal",
         "expected the name of a signal"},
        {with(R"("drain": {"signal": "sigterm"})"), {1, 22}, "/drain/signal", "did you mean \"SIGTERM\"?"},
        {with(R"("reload": {"strategy": "roling"})"),
         {1, 25},
         "/reload/strategy",
         "did you mean \"rolling\"?"},
        {with(R"("reload": {"max_surge": 0})"), {1, 26}, "/reload/max_surge", "from 1 to 4096"},
        {with(R"("reload": {"strategy": "replaec"})"),
         {1, 25},
         "/reload/strategy",
         "did you mean \"replace\"?"},
        {with(R"("reload": {"max_draining": 0})"), {1, 29}, "/reload/max_draining", "from 1 to 100"},
        {with(R"("restart": {"backoff_min": "0ms"})"), {1, 29}, "/restart/backoff_min", "at least 1ms"},
        {with(R"("log": {"level": "warn"})"), {1, 19}, "/log/level", "did you mean \"warning\"?"},
        {with(R"("log": {"format": "xml"})"), {1, 20}, "/log/format", "\"text\" or \"json\", found \"xml\""},
        {with(R"("log": {"max_size": "64MB"})"),
         {1, 22},
         "/log/max_size",
         "a size such as \"64KiB\" or \"10MiB\""},
        {with(R"("log": {"when_slow": {"queue": "1B"}})"),
         {1, 33},
         "/log/when_slow/queue",
         "from 4.0 KiB to 1.0 GiB"},
        {with(R"("log": {"when_slow": {"wait": "2"}})"),
         {1, 32},
         "/log/when_slow/wait",
         "a duration such as"},
        {with(R"("log": {"workers": "inherit", "keep": 1})"),
         {1, 32},
         "/log/keep",
         "is for \"workers\": \"capture\""},
        {with(R"("log": {"workers": "captrue"})"), {1, 21}, "/log/workers", "did you mean \"capture\"?"},
    });
}

TEST_CASE("an address that cannot be a listener's is refused, with what to write instead") {
    const auto row = [](const std::string& address, const std::string& words) {
        return Row{with_listener(R"({"address": ")" + address + "\"}"), {2, 13}, "/listen/1/address", words};
    };
    check({
        row("", "expected HOST:PORT"),
        row("8080", "expected HOST:PORT"),
        row(":8080", "write \"*:8080\" for every address"),
        row("localhost:80", "write \"127.0.0.1:80\" or \"[::1]:80\""),
        row("example.org:80", "expected a literal IPv4 address"),
        row("127.1:80", "expected a literal IPv4 address"),
        row("127.0.0.256:80", "expected a literal IPv4 address"),
        row("::1:80", "in brackets: \"[::1]:80\""),
        row("[::1:80", "expected HOST:PORT"),
        row("[::g]:80", "\"::g\" is not an IPv6 address"),
        row("[127.0.0.1]:80", "is not an IPv6 address"),
        row("[::ffff:127.0.0.1]:80", "write the IPv4 address \"127.0.0.1\" without brackets"),
        row("[fe80::1]:80", "needs its interface, such as \"fe80::1%eth0\""),
        row("[::1%eth0]:80", "only a link-local address"),
        row("*:", "expected a port from 0 to 65535"),
        row("*:65536", "expected a port from 0 to 65535"),
        row("*:-1", "expected a port from 0 to 65535"),
        row("*:080", "expected a port from 0 to 65535"),
        row("*:http", "found \"http\""),
        row("unix:", "expected the path of a socket"),
        row("unix:/run/", "expected the path of a socket"),
        row("unix:@", "expected the path of a socket"),
        row("unix:/" + std::string(107, 'x'), "at most 107 bytes"),
        row("unix-dgram:@" + std::string(108, 'x'), "at most 107 bytes, found 108"),
        row("udp:53", "expected HOST:PORT"),
        row("udp:localhost:53", "write \"127.0.0.1:53\""),
        row("tcp:127.0.0.1:80", "write \"127.0.0.1:80\""),
    });
}

TEST_CASE("a key that does not belong to the listener's kind of socket is refused at the key") {
    const auto row = [](const std::string& address, const std::string& key, const std::string& value,
                        const std::string& words) {
        return Row{with_listener("{\"" + key + "\": " + value + ", \"address\": \"" + address + "\"}"),
                   {2, 2},
                   "/listen/1/" + key,
                   "\"" + key + "\" is for " + words + ", not for \"" + address + "\""};
    };
    const std::string with_file = "unix sockets with a path";
    check({
        row("127.0.0.1:2", "mode", R"("0600")", with_file),
        row("udp:*:2", "owner", R"("root")", with_file),
        row("unix:@x", "mode", R"("0600")", with_file),
        row("unix-dgram:@x", "group", R"("root")", with_file),
        row("udp:*:2", "backlog", "10", "sockets that accept connections"),
        row("unix-dgram:/x", "backlog", "10", "sockets that accept connections"),
        row("unix:/x", "reuseport", "true", "TCP and UDP"),
        row("unix-dgram:@x", "reuseport", "true", "TCP and UDP"),
        row("unix:/x", "tcp_nodelay", "true", "TCP"),
        row("udp:*:2", "fastopen", "10", "TCP"),
        row("unix:@x", "defer_accept", R"("1s")", "TCP"),
        row("*:2", "ipv6only", "false", "the address [::]"),
        row("[::1]:2", "ipv6only", "true", "the address [::]"),
        row("unix:/x", "ipv6only", "true", "the address [::]"),
    });
}

TEST_CASE("[::] that takes IPv4, too, is in the way of IPv4 addresses") {
    check({{with_listener(R"({"address": "[::]:1", "ipv6only": false})"),
            {2, 13},
            "/listen/1/address",
            "\"*:1\" cannot be bound beside \"127.0.0.1:1\""}});
}

TEST_CASE("permissions and accounts that cannot be are refused") {
    const auto row = [](const std::string& key, const std::string& value, const std::string& words) {
        return Row{with_listener("{\"address\": \"unix:/x\", \"" + key + "\": " + value + "}"),
                   {2, 28 + static_cast<unsigned>(key.size())},
                   "/listen/1/" + key,
                   words};
    };
    check({
        row("mode", "660", "in octal digits such as \"0660\", found 660"),
        row("mode", R"("0680")", "in octal digits"),
        row("mode", R"("04755")", "in octal digits"),
        row("mode", R"("66")", "in octal digits"),
        row("owner", R"("")", "a user such as"),
        row("owner", "33", "a user such as \"www-data\" or \"33\", found 33"),
        row("group", R"("a:b")", "a group such as"),
    });
}

TEST_CASE("an unknown key is refused at the key, with the known one that was meant") {
    check({
        {with(R"("nmae": "x")"), {1, 2}, "/nmae", "unknown key; did you mean \"name\"?"},
        {with(R"("Name": "x")"), {1, 2}, "/Name", "did you mean \"name\"?"},
        {with(R"("soak": "1s")"), {1, 2}, "/soak", "did you mean /reload/soak?"},
        {with(R"("drain": {"timeuot": "1s"})"), {1, 12}, "/drain/timeuot", "did you mean \"timeout\"?"},
        {with(R"("privileges": {})"), {1, 2}, "/privileges", "known here: \"$schema\", \"name\", \"listen\""},
        {with_listener(R"({"address": "*:2", "port": 80})"),
         {2, 20},
         "/listen/1/port",
         "known here: \"name\""},
        {with("\"a/b~c\": 1"), {1, 2}, "/a~1b~0c", "unknown key"},
        {with("\"\": 1"), {1, 2}, "/", "unknown key"},
        {with("\"" + std::string(100'000, 'x') + "\": 1"),
         {1, 2},
         "/" + std::string(100'000, 'x'),
         "unknown key"},
    });
}

TEST_CASE("a key as long as the file is not shown whole") {
    const auto config = parse_config(with("\"" + std::string(5'000, 'x') + "\": 1"), "/etc/sup/test.json");
    REQUIRE_FALSE(config.ok());
    CHECK(to_text(config.error()).size() < 500);
    CHECK(to_text(config.error()).starts_with("/etc/sup/test.json:1:2: /xxx"));
}

TEST_CASE("an argument or variable that is longer than exec takes is refused at its place") {
    const std::size_t longest = 32 * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) - 1;
    const auto text = [](std::size_t size) { return "\"" + std::string(size, 'x') + "\""; };
    const std::string words = "has at most " + std::to_string(longest) + " bytes";
    const auto command = [&](std::size_t size) {
        return R"({"listen": [], "worker": {"command": ["x", )" + text(size) + "]}}";
    };
    const auto env = [&](std::size_t size) { return with_worker(R"("env": {"KEY": )" + text(size) + "}"); };
    check({{command(longest + 1), {1, 44}, "/worker/command/1", words},
           {env(longest + 1 - 4), {1, 46}, "/worker/env/KEY", words}});
    for (const std::string& fits : {command(longest), env(longest - 4)})
        CHECK(parse_config(fits, "/etc/sup/test.json").ok());
}

TEST_CASE("a key that must be given and is not is named, at the object that lacks it") {
    check({
        {R"( {"worker": {"command": ["x"]}})", {1, 2}, "/listen", "missing; add for example \"listen\""},
        {R"({"listen": []})", {1, 1}, "/worker", "missing; add for example \"worker\""},
        {R"({"listen": [], "worker": {}})",
         {1, 26},
         "/worker/command",
         "missing; add for example \"command\""},
        {with_listener("{}"), {2, 1}, "/listen/1/address", "missing; add for example \"address\""},
    });
}

TEST_CASE("a key given twice is refused, with both places") {
    check({
        {"{\"name\": \"a\",\n  \"name\": \"b\"," + with("\"log\": {}").substr(1),
         {2, 3},
         "/name",
         "given twice; the first is at line 1, column 2"},
        {with(R"("log": {"level": "info", "level": "info"})"), {1, 27}, "/log/level", "at line 1, column 10"},
        {with_listener(R"({"address": "*:2", "address": "*:3"})"),
         {2, 20},
         "/listen/1/address",
         "at line 2, column 2"},
        {R"({"listen": [{"address": "*:1"}, {"address": "*:1"}], "listen": [], "worker": {"command": ["x"]}})",
         {1, 54},
         "/listen",
         "at line 1, column 2"},
        {with_worker(R"("env": {"A": "1", "\u0041": "2"})"),
         {1, 49},
         "/worker/env/A",
         "at line 1, column 39"},
    });
}

TEST_CASE("an environment variable that cannot be or that sup sets itself is refused") {
    check({
        {with_worker(R"("env": {"": "x"})"), {1, 39}, "/worker/env/", "cannot be empty"},
        {with_worker(R"("env": {"A=B": "x"})"), {1, 39}, "/worker/env/A=B", "cannot contain '='"},
        {with_worker(R"("env": {"LISTEN_FDS": "1"})"), {1, 39}, "/worker/env/LISTEN_FDS", "sup itself sets"},
        {with_worker(R"("env": {"SUP_SLOT": "1"})"), {1, 39}, "/worker/env/SUP_SLOT", "sup itself sets"},
    });
}

TEST_CASE("a NUL character is refused wherever the kernel would end the string at it") {
    check({
        {with_worker(R"("env": {"A": "x\u0000y"})"), {1, 44}, "/worker/env/A", "NUL"},
        {with_worker(R"("env": {"A\u0000": "x"})"), {1, 39}, std::string("/worker/env/A\0", 14), "NUL"},
        {with_worker(R"("cwd": "/\u0000")"), {1, 38}, "/worker/cwd", "NUL"},
        {R"({"listen": [], "worker": {"command": ["x", "\u0000"]}})", {1, 44}, "/worker/command/1", "NUL"},
        {with(R"("log": {"file": "\u0000"})"), {1, 18}, "/log/file", "NUL"},
        {with_listener(R"({"address": "*:2\u0000"})"), {2, 13}, "/listen/1/address", "NUL"},
    });
}

TEST_CASE("listeners share neither a name nor an address") {
    check({
        {with_listener(R"({"name": "a", "address": "*:2"})"),
         {2, 10},
         "/listen/1/name",
         "already used by /listen/0"},
        {with_listener(R"({"address": "*:2"}, {"name": "listen1", "address": "*:3"})"),
         {2, 30},
         "/listen/2/name",
         "already used by /listen/1"},
        {with_listener(R"({"name": "listen2", "address": "*:2"}, {"address": "*:3"})"),
         {2, 40},
         "/listen/2",
         "already used by /listen/1"},
        {with_listener(R"({"address": "127.0.0.1:1"})"),
         {2, 13},
         "/listen/1/address",
         "already used by /listen/0"},
        {with_listener(R"({"address": "0.0.0.0:1"})"),
         {2, 13},
         "/listen/1/address",
         "\"0.0.0.0:1\" cannot be bound beside \"127.0.0.1:1\" of /listen/0"},
        {with_listener(R"({"address": "*:1"})"), {2, 13}, "/listen/1/address", "cannot be bound beside"},
        {with_listener(R"({"address": "[::1]:2"}, {"address": "[0:0::01]:2"})"),
         {2, 37},
         "/listen/2/address",
         "\"[::1]:2\" is already used by /listen/1"},
    });
}

TEST_CASE("values that contradict each other are refused") {
    check({
        {with_worker(R"("ready": "5s", "ready_timeout": "5s")"),
         {1, 40},
         "/worker/ready",
         "make ready_timeout longer"},
        {with_worker(R"("ready": "60s")"), {1, 40}, "/worker/ready", "gives up on a worker after 30s"},
        {with(R"("restart": {"backoff_min": "2s", "backoff_max": "1s"})"),
         {1, 29},
         "/restart/backoff_min",
         "backoff_min (2s) is above backoff_max (1s)"},
        {with(R"("reload": {"max_surge": 2})"),
         {1, 13},
         "/reload/max_surge",
         "\"max_surge\" is for \"strategy\": \"rolling\", but the strategy is \"replace\""},
        {with(R"("reload": {"strategy": "replace", "max_surge": 1})"),
         {1, 36},
         "/reload/max_surge",
         "is for"},
        {with(R"("restart": {"backoff_max": "10ms"})"),
         {1, 29},
         "/restart/backoff_max",
         "backoff_min (100ms)"},
    });
}

TEST_CASE("a placeholder that is unknown or incomplete is refused where it stands") {
    const auto argument = [](const std::string& text) {  // begins at line 1, column 73
        return R"({"listen": [{"name":"http","address":"*:0"}], "worker": {"command":["x","z",)" + text +
               "]}}";
    };
    check({
        {argument(R"("{fd:http} {slots}")"), {1, 88}, "/worker/command/2", "did you mean {slot}?"},
        {argument(R"("{prot:http}")"), {1, 78}, "/worker/command/2", "did you mean {port:LISTENER}?"},
        {argument(R"("a{")"), {1, 79}, "/worker/command/2", "write {{ for a brace"},
        {argument(R"("{}")"),
         {1, 78},
         "/worker/command/2",
         "unknown placeholder {}; the placeholders are {fd:LISTENER}"},
        {argument(R"("{ print $1 }")"), {1, 78}, "/worker/command/2", "and {{ for a brace"},
        {argument(R"("{fd}")"), {1, 78}, "/worker/command/2", "write {fd:LISTENER}"},
        {argument(R"("{slot:http}")"), {1, 78}, "/worker/command/2", "is not about a listener"},
        {argument(R"("{fd:htp}")"), {1, 78}, "/worker/command/2", "did you mean \"http\"?"},
        {argument(R"("{fd:x}")"), {1, 78}, "/worker/command/2", "no listener \"x\"; there are: \"http\""},
        {argument(R"("{path:http}")"), {1, 78}, "/worker/command/2", "it is not a unix socket"},
        {argument(R"("\u00e9\t\ud83d\ude00{nope}")"),
         {1, 98},
         "/worker/command/2",
         "unknown placeholder {nope}"},
        {with_worker(R"("env": {"A": "x{y}"})"), {1, 46}, "/worker/env/A", "unknown placeholder {y}"},
        {with_worker(R"("env": {"A": "{fd:z}"})"), {1, 45}, "/worker/env/A", "the configuration has none"},
        {with_worker(R"("env": {"PATH": "/{slot}"})"),
         {1, 47},
         "/worker/env/PATH",
         "PATH cannot have placeholders"},
    });
}

TEST_CASE("protocols and readiness that do not fit are refused, with what would") {
    check({
        {with_worker(R"("protocols": "nginx")"), {1, 44}, "/worker/protocols", "an array of protocols"},
        {with_worker(R"("protocols": ["ngnix"])"), {1, 45}, "/worker/protocols/0", "did you mean \"nginx\"?"},
        {with_worker(R"("protocols": ["nginx", "nginx"])"), {1, 54}, "/worker/protocols/1", "named twice"},
        {R"({"worker": {"command": ["x"], "protocols": ["stdin"]}, "listen": [{"address": "*:0"}, {"address": "*:0"}]})",
         {1, 44},
         "/worker/protocols",
         "exactly one listener, and there are 2"},
        {with_worker(R"("protocols": ["stdin"])"), {1, 44}, "/worker/protocols", "exactly one listener"},
        {R"({"worker": {"command": ["x"], "protocols": ["stdin", "nginx"]}, "listen": [{"address": "*:0"}]})",
         {1, 44},
         "/worker/protocols",
         "cannot be combined with others"},
        {with_worker(R"("ready": "einhorn-ack")"),
         {1, 40},
         "/worker/ready",
         "needs \"protocols\": [\"einhorn\"]"},
        {R"({"worker": {"command": ["x"], "ready": {"fd": 3}}, "listen": [{"name": "a", "address": "*:0"}]})",
         {1, 40},
         "/worker/ready",
         "descriptor 3 belongs to listener \"a\"; the first free one is 4"},
        {with_worker(R"("ready": {"fd": 2})"), {1, 47}, "/worker/ready/fd", "from 3 to 1023"},
        {with_worker(R"("ready": {"pid": 4})"), {1, 40}, "/worker/ready", "expected {\"fd\": N}"},
        {with_worker(R"("ready": {"connect": "http"})"),
         {1, 41},
         "/worker/ready/connect",
         "as long as an old worker accepts from it"},
    });
}

TEST_CASE("an address that would break the list which a protocol makes of addresses is refused") {
    const auto listening = [](const std::string& address, const std::string& protocol) {
        return R"({"worker": {"command": ["x"], "protocols": [")" + protocol +
               "\"]},\n\"listen\": [{\"address\": \"" + address + "\"}]}";
    };
    check({
        {listening("unix:/run/a;b", "server-starter"),
         {2, 24},
         "/listen/0/address",
         "\"/run/a;b\" contains ';', which the protocol \"server-starter\" puts between addresses"},
        {listening("unix:@a=b", "server-starter"), {2, 24}, "/listen/0/address", "contains '='"},
        {listening("unix:@a,b", "php-fpm"), {2, 24}, "/listen/0/address", "contains ','"},
    });
    CHECK(parse_config(listening("unix:/run/a;b=c,d", "php-fpm"), "/etc/sup/test.json"));
    CHECK(parse_config(listening("unix:/run/a,b", "server-starter"), "/etc/sup/test.json"));
    CHECK(parse_config(listening("unix:/run/a;b=c,d", "systemd"), "/etc/sup/test.json"));
}

TEST_CASE("a key that is given twice is refused for that, whatever either of them says") {
    for (const std::string keys :
         {R"("worker": {"command": ["x"], "protocols": ["stdin"]}, "worker": {"command": ["x"]})",
          R"("worker": {"command": ["x"], "ready": {"fd": 3}}, "worker": 5)",
          R"("worker": {"command": ["x", "{port:a}"]}, "worker": {"command": []})"}) {
        INFO(keys);
        const auto config =
            parse_config(R"({"listen": [{"address": "*:80"}], )" + keys + "}", "/etc/sup/test.json");
        REQUIRE(!config);
        CHECK(to_text(config.error()).find("/worker: given twice") != std::string::npos);
    }
}

TEST_CASE("a file with more problems than are shown is refused like any other") {
    std::string unknown;
    for (int i = 0; i < 200; ++i) unknown += "\"unknown" + std::to_string(i) + "\": 0, ";
    const auto config = parse_config("{" + unknown +
                                         R"("listen": [{"address": "*:80"}, {"address": "*:80"}],
        "worker": {"command": ["x"], "protocols": ["stdin"]}, "listen": 5})",
                                     "/etc/sup/test.json");
    REQUIRE(!config);
    CHECK(config.error().omitted > 0);
}

TEST_CASE("a file that is not JSON is reported with the one place where reading ended") {
    const auto config = parse_config(R"({
  "listen": [
    { "address": "localhost:80" },
    { "name": "a/b", "address": "*:80", "address": "*:81" }
  ],
  "worker": { "count": 0, "comand": [] },
  "reload": { "strategy": "restart", "soak": 5 },
  "restart": { "backoff_min": "1h", "backoff_max": "x" },
})",
                                     "/etc/sup/test.json");
    CHECK(to_text(config.error()) == "/etc/sup/test.json:8:57: a comma before the closing }");
}

TEST_CASE("all problems of a file that is JSON are reported at once, in the file's order") {
    const auto config = parse_config(R"({
  "listen": [
    { "address": "localhost:80" },
    { "name": "a/b", "address": "*:80", "address": "*:81" }
  ],
  "worker": { "count": 0, "comand": [] },
  "reload": { "strategy": "restart", "soak": 5 },
  "restart": { "backoff_min": "1h", "backoff_max": "x" }
})",
                                     "/etc/sup/test.json");
    REQUIRE_FALSE(config.ok());
    std::string places;
    for (const Problem& problem : config.error().list) {
        places += std::to_string(problem.position.line) + ":" + std::to_string(problem.position.column) +
                  " " + problem.pointer + "\n";
    }
    CHECK(places ==
          "3:18 /listen/0/address\n"
          "4:15 /listen/1/name\n"
          "4:41 /listen/1/address\n"
          "6:13 /worker/command\n"
          "6:24 /worker/count\n"
          "6:27 /worker/comand\n"
          "7:27 /reload/strategy\n"
          "7:46 /reload/soak\n"
          "8:52 /restart/backoff_max\n");
}

TEST_CASE(
    "a file of nothing but mistakes is answered with a bounded list that says how many more there are") {
    std::string text = "{";
    for (int i = 0; i < 250; ++i) text += "\"key" + std::to_string(i) + "\": 1,";
    const auto config =
        parse_config(text + R"("listen": [], "worker": {"command": ["x"]}})", "/etc/sup/test.json");
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().list.size() == 100);
    CHECK(config.error().omitted == 150);
    CHECK(to_text(config.error()).ends_with("\n/etc/sup/test.json: and 150 more"));
}

TEST_CASE("the default name must be a name too") {
    const std::string text = with(R"("log": {})");
    const auto config = parse_config(text, "/etc/sup/my service.json");
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().list.front().pointer == "/name");
    CHECK(config.error().list.front().message.find("\"my service\"") != std::string::npos);
}

TEST_CASE("more listeners than a process could hold descriptors are refused") {
    std::string listeners;
    for (int i = 0; i < 1001; ++i) listeners += std::string(i == 0 ? "" : ",") + R"({"address": "*:0"})";
    check({{R"({"worker": {"command": ["x"]}, "listen": [)" + listeners + "]}",
            {1, 42},
            "/listen",
            "at most 1000 listeners, found 1001"}});
}
