// Generations that hand connections over, and generations that know nothing of it, one after the other.
#include <iostream>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/kept_clients.h"
#include "tests/integration/support/plain_server.h"

namespace sup::test {

namespace {

void use(Instance& instance, const std::vector<std::string>& command) {
    instance.config.command = command;
    instance.write_config();
    const Outcome reloaded = instance.reload({"--drained"});
    INFO(reloaded.text());
    REQUIRE(reloaded.exit_code == 0);
    instance.wait_until_settled();
}

}  // namespace

TEST_CASE("from handoff to a plain worker and back no client loses a request that heeds Connection: close") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance;
    const std::vector<std::string> library = instance.config.command;
    const std::vector<std::string> plain{python(), "plain.py"};
    write_file(instance.path("plain.py"), plain_server);
    instance.start();
    KeptClients clients(instance.port(), {.clients = 16, .think = "5ms"});
    instance.wait_for("all clients connected",
                      [](const InstanceStatus& now) { return now.active()->connections() == 16; });
    for (int round = 0; round < 3; ++round) {
        use(instance, plain);
        use(instance, library);
        use(instance, library);
    }
    const KeptReport report = clients.stop();
    std::cout << "library, plain, library: " << report.text << std::endl;
    INFO(report.text);
    CHECK(report.failed == 0);
    CHECK(report.closed == 0);
    CHECK(report.announced >= 3 * 16);
}

TEST_CASE("idle connections that a plain successor cannot take are served on, and told to close") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance;
    write_file(instance.path("plain.py"), plain_server);
    instance.start();
    HttpConnection idle(instance.port());
    idle.send(request("/", true));
    REQUIRE(idle.receive().ok());
    instance.config.command = {python(), "plain.py"};
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    idle.send(request("/", true));
    const Answer last = idle.receive();
    CHECK(parse_hello(last.body)->generation == 1);
    CHECK(last.headers.at("connection") == "close");
    CHECK(idle.ends_in_order());
    instance.wait_until_settled();
}

TEST_CASE("who could not hand over to a plain generation does so when a later one takes") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance;
    const std::vector<std::string> library = instance.config.command;
    write_file(instance.path("plain.py"), plain_server);
    instance.start();
    HttpConnection idle(instance.port());
    idle.send(request("/", true));
    REQUIRE(idle.receive().ok());
    for (const auto& command : {std::vector<std::string>{python(), "plain.py"}, library}) {
        instance.config.command = command;
        instance.write_config();
        REQUIRE(instance.reload().exit_code == 0);
    }
    instance.wait_until_settled();
    idle.send(request("/", true));
    const Answer answer = idle.receive();
    CHECK(parse_hello(answer.body)->generation == 3);
    CHECK(!answer.headers.contains("connection"));
}

}  // namespace sup::test
