// The control socket: JSON-RPC 2.0 for friends, and nothing for the rest.
#include <pwd.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/control.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

TEST_CASE("the control socket refuses what is no request, and serves on") {
    Instance instance;
    instance.start();
    const auto socket = instance.folder() / "control.sock";
    const std::vector<std::pair<std::string, std::string>> bad{
        {"garbage", "-32700"},
        {"\xff\xfe\x01\x02", "-32700"},
        {"[]", "-32600"},
        {"7", "-32600"},
        {R"({"jsonrpc":"1.0","id":1,"method":"status"})", "-32600"},
        {R"({"jsonrpc":"2.0","id":1,"method":"explode"})", "-32601"},
        {R"({"jsonrpc":"2.0","id":1,"method":"reload","params":{"wait":"for godot"}})", "-32602"},
        {R"({"jsonrpc":"2.0","id":1,"method":"stop","params":{"now":"yes"}})", "-32602"}};
    for (const auto& [line, code] : bad) {
        ControlClient client(socket);
        REQUIRE(client.send(line + "\n"));
        const std::string response = client.line();
        INFO(line << " -> " << response);
        CHECK(contains(response, code));
    }
    CHECK(instance.wait_until_settled().generations[0].number == 1);
}

TEST_CASE("a request of more than 64 KiB is refused without being kept, and the master serves on") {
    Instance instance;
    instance.start();
    ControlClient client(instance.folder() / "control.sock");
    const std::string junk(1024 * 1024, 'x');
    for (int i = 0; i < 64 && client.send(junk); ++i) {
    }
    client.send("\n");
    CHECK(client.closed_by_master());
    CHECK(instance.wait_until_settled().generations[0].number == 1);
}

TEST_CASE("clients that say nothing, half a line, or never read their answers hinder nobody") {
    Instance instance;
    instance.start();
    const auto socket = instance.folder() / "control.sock";
    std::vector<ControlClient> rude;
    for (int i = 0; i < 10; ++i) {
        rude.emplace_back(socket);  // silent
        rude.emplace_back(socket);
        rude.back().send(R"({"jsonrpc":"2.0","id":1,"meth)");
        rude.emplace_back(socket);
        for (int k = 0; k < 120; ++k)
            rude.back().send("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n");
    }
    CHECK(instance.status().state == "running");
    CHECK(instance.reload().exit_code == 0);
    rude.clear();
    CHECK(instance.wait_until_settled().generations[0].number == 2);
}

TEST_CASE("more clients than the master serves at once do not bring it down") {
    Instance instance;
    instance.start();
    const auto socket = instance.folder() / "control.sock";
    {
        std::vector<ControlClient> crowd;
        for (int i = 0; i < 500; ++i) crowd.emplace_back(socket);
    }
    CHECK(eventually([&] { return instance.sandbox()->sup({"status"}).exit_code == 0; }));
}

TEST_CASE("a subscriber is told of a reload's events, and a waiting caller before its result") {
    Instance instance;
    instance.start();
    const auto socket = instance.folder() / "control.sock";
    ControlClient subscriber(socket);
    REQUIRE(subscriber.request(R"({"jsonrpc":"2.0","id":"s","method":"subscribe"})"));
    CHECK(contains(subscriber.line(), R"("id":"s")"));
    ControlClient caller(socket);
    REQUIRE(caller.request(R"({"jsonrpc":"2.0","id":9,"method":"reload","params":{"wait":"drained"}})"));
    int ready = 0;
    std::string line;
    while (!contains(line = caller.line(), R"("id":9)") && !line.empty())
        ready += contains(line, "worker_ready") ? 1 : 0;
    INFO(line);
    CHECK(ready == 2);
    CHECK(parse_reload_response(line).generation == 2);
    ready = 0;
    while (ready < 2 && !(line = subscriber.line()).empty()) ready += contains(line, "worker_ready") ? 1 : 0;
    CHECK(ready == 2);
}

TEST_CASE("another user is not served") {
    const passwd* nobody = ::getpwnam("nobody");
    if (::getuid() != 0 || nobody == nullptr) return skip("needs root and the user nobody");
    Instance instance;
    instance.start();
    Launch launch = instance.sandbox()->command({"stop", "test"});
    launch.in_child = [uid = nobody->pw_uid, gid = nobody->pw_gid] {
        if (::setgid(gid) != 0 || ::setuid(uid) != 0) ::_exit(125);
    };
    const Outcome outcome = run(launch);
    INFO(outcome.text());
    CHECK(outcome.exit_code != 0);
    CHECK(outcome.exit_code != 125);
    CHECK(instance.wait_until_settled().generations[0].number == 1);

    // Nor where the files would let it in: the kernel tells who calls.
    std::filesystem::permissions(instance.sandbox()->runtime_dir(),
                                 static_cast<std::filesystem::perms>(0711));
    std::filesystem::permissions(instance.folder() / "control.sock",
                                 static_cast<std::filesystem::perms>(0666));
    const Outcome let_in = run(launch);
    INFO(let_in.text());
    CHECK(let_in.exit_code != 0);
    CHECK(instance.wait_until_settled().generations[0].number == 1);
}

}  // namespace sup::test
