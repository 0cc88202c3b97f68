// So many connections as may be open: with several workers on one socket, and over a reload.
#include <list>
#include <set>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

TEST_CASE("a worker at its limit leaves newcomers to the other one, and then they wait until somebody ends") {
    Instance instance{{.command = {"./worker", "--max-connections", "2"}, .count = 2}};
    instance.start();
    std::list<HttpConnection> busy;
    for (int i = 0; i < 4; ++i) {
        busy.emplace_back(instance.port());
        busy.back().send(request("/stream?chunks=1000000&ms=50", true));
        REQUIRE(eventually([&] { return busy.back().readable(); }));
    }
    const InstanceStatus full = instance.status();
    CHECK(full.active()->connections() == 4);
    HttpConnection fifth(instance.port());
    fifth.send(request("/"));
    CHECK_FALSE(eventually([&] { return fifth.readable(); }, std::chrono::milliseconds(400)));
    busy.pop_front();
    CHECK(fifth.receive().ok());
    busy.clear();
}

TEST_CASE("connections that a reload hands over are served above the limit, and give way to newcomers") {
    Instance instance{{.command = {"./worker", "--max-connections", "1"}, .count = 2}};
    instance.start();
    std::list<HttpConnection> kept;
    for (int i = 0; i < 2; ++i) {
        kept.emplace_back(instance.port());
        kept.back().send(request("/sleep?ms=300", true));  // so that each has a worker of its own
    }
    for (HttpConnection& one : kept) REQUIRE(one.receive().ok());
    // One worker for what two had.
    instance.config.count = 1;
    instance.write_config();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    for (HttpConnection& one : kept) {
        one.send(request("/", true));
        const Answer answer = one.receive();
        CHECK(answer.ok());
        CHECK(parse_hello(answer.body).value_or(Hello{}).generation == 2);
    }
    CHECK(hello(instance.port()).generation == 2);
    for (HttpConnection& one : kept) CHECK(one.ends_in_order());
}

}  // namespace sup::test
