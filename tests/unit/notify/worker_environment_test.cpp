#include "master/notify/worker_environment.h"

#include <algorithm>

#include "tests/catch.h"

using namespace sup;
using Strings = std::vector<std::string>;

namespace {

WorkerVariables variables() {
    WorkerVariables own;
    own.instance = "hello";
    own.generation = core::GenerationId{7};
    own.slot = 3;
    own.drain_timeout = Duration{30'000};
    own.notify_socket = "/run/sup/hello/7.sock";
    own.ack_socket = "/run/sup/hello/ack.7";
    own.protocols = {config::Protocol::systemd};
    own.listeners = {{"http", ListenerFacts::Kind::inet, {{"name", "http"}, {"fd", "3"}, {"port", "80"}}},
                     {"admin", ListenerFacts::Kind::inet, {{"name", "admin"}, {"fd", "4"}}}};
    return own;
}

std::map<std::string, config::Template> templates(const std::map<std::string, std::string>& texts) {
    std::map<std::string, config::Template> parsed;
    for (const auto& [name, text] : texts) parsed.emplace(name, config::Template::parse(text).value());
    return parsed;
}

}  // namespace

TEST_CASE("a worker's environment is the master's, then the configuration's, then what sup says") {
    const Strings entries = worker_environment({"HOME=/root", "LANG=C"},
                                               templates({{"LANG", "de"}, {"KEY", "a=b"}}), variables());
    CHECK(entries == Strings{"HOME=/root", "KEY=a=b", "LANG=de", "LISTEN_FDNAMES=http:admin", "LISTEN_FDS=2",
                             "NOTIFY_SOCKET=/run/sup/hello/7.sock", "SUP_DRAIN_SIGNAL=15",
                             "SUP_DRAIN_TIMEOUT_MS=30000", "SUP_GENERATION=7", "SUP_INSTANCE=hello",
                             "SUP_SLOT=3"});
}

TEST_CASE("what spoke to the master does not reach its workers") {
    const Strings inherited{"LISTEN_PID=1",       "LISTEN_FDS=4",
                            "LISTEN_FDNAMES=x",   "LISTEN_PIDFDID=9",
                            "LISTEN_ANYTHING=",   "NOTIFY_SOCKET=/x",
                            "WATCHDOG_PID=1",     "WATCHDOG_USEC=5",
                            "SUP_INSTANCE=up",    "SUP_GENERATION=4",
                            "SUP_SLOT=1",         "SUP_DRAIN_TIMEOUT_MS=1",
                            "SUP_DRAIN_SIGNAL=2", "SERVER_STARTER_PORT=80=3",
                            "EINHORN_FD_0=3",     "NGINX=3;",
                            "FPM_SOCKETS=x",      "LISTENER=stays",
                            "NGINX_HOME=stays",   "SUP_RUNTIME_DIR=/r",
                            "not an entry",       "=odd"};
    CHECK(base_environment(inherited, {}) ==
          Strings{"LISTENER=stays", "NGINX_HOME=stays", "SUP_RUNTIME_DIR=/r"});
}

TEST_CASE("the configuration cannot override what sup says, and may set the rest") {
    const std::map<std::string, std::string> configured{{"SUP_SLOT", "99"},     {"NOTIFY_SOCKET", "/mine"},
                                                        {"LISTEN_FDS", "5"},    {"LISTEN_PID", "1"},
                                                        {"WATCHDOG_USEC", "1"}, {"LISTEN_PORT", "80"}};
    const Strings entries = worker_environment({}, templates(configured), variables());
    const auto has = [&](const char* entry) {
        return std::find(entries.begin(), entries.end(), entry) != entries.end();
    };
    CHECK(has("SUP_SLOT=3"));
    CHECK(has("NOTIFY_SOCKET=/run/sup/hello/7.sock"));
    CHECK(has("LISTEN_FDS=2"));
    CHECK(has("LISTEN_PORT=80"));
    CHECK(entries.size() == 9);
    CHECK(is_reserved_variable("LISTEN_PID"));
    CHECK_FALSE(is_reserved_variable("LISTEN_PORT"));
}

TEST_CASE("without listeners there is no LISTEN_ variable") {
    WorkerVariables own = variables();
    own.listeners.clear();
    for (const std::string& entry : worker_environment({}, {}, own)) CHECK(entry.rfind("LISTEN_", 0) != 0);
}

TEST_CASE("placeholders stand for what is known of this worker") {
    const Strings entries = worker_environment(
        {}, templates({{"BIND", "fd://{fd:admin}"}, {"NAME", "{instance}-{slot}{{}"}}), variables());
    CHECK(std::find(entries.begin(), entries.end(), "BIND=fd://4") != entries.end());
    CHECK(std::find(entries.begin(), entries.end(), "NAME=hello-3{}") != entries.end());

    const std::vector<config::Template> arguments{config::Template::parse("--port={port:http}").value(),
                                                  config::Template::parse("gen{generation}").value()};
    CHECK(worker_arguments("./server{", arguments, worker_facts(variables())) ==
          Strings{"./server{", "--port=80", "gen7"});
}

TEST_CASE("what the configuration says of a protocol's variable is said last") {
    WorkerVariables own = variables();
    own.protocols = {config::Protocol::nginx};
    const Strings entries = worker_environment({}, templates({{"NGINX", "{fd:admin};"}}), own);
    CHECK(std::find(entries.begin(), entries.end(), "NGINX=4;") != entries.end());
}
