#include "master/releases/preparation.h"

#include <sys/stat.h>
#include <unistd.h>

#include "master/releases/generations.h"
#include "tests/unit/releases/prepared.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;

TEST_CASE("a generation is all that its configuration says, and keeps what older ones listen on") {
    const TemporaryDirectory folder;
    const auto config = read_configuration(
        configuration(folder.path(), R"({"command": ["/bin/sleep", "60"], "cwd": "/", "count": 2})"));
    const auto first = prepared(1, config);
    CHECK(first->id == core::GenerationId{1});
    CHECK(first->directory->path() == "/");
    CHECK(first->executable->identity().pinned);
    REQUIRE(first->listeners.size() == 1);
    const auto second = prepared(2, config, first->listeners);
    CHECK(second->listeners.front()->socket() == first->listeners.front()->socket());
    CHECK(second->inbox != first->inbox);
}

TEST_CASE("whatever cannot be had of a generation, nothing is bound for it") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/x.sock";
    const auto config = read_configuration(configuration(
        folder.path(), R"({"command": ["/no/such/program"]})", R"(, "log": {"level": "info"})"));
    config::Config with_file = config;
    with_file.listen.front().address = {config::Transport::stream, config::UnixAddress{path}};
    const auto failed = prepare_generation(core::GenerationId{1}, with_file, {});
    REQUIRE_FALSE(failed);
    CHECK_FALSE(failed.error().configuration_error);
    CHECK_THAT(failed.error().reason, Contains("/no/such/program"));
    CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a running instance refuses a configuration of another name, and says where it stands") {
    const TemporaryDirectory folder;
    const std::string file = configuration(folder.path(), R"({"command": ["/bin/true"]})");
    const auto other = reload_config(file, "shop");
    REQUIRE_FALSE(other);
    CHECK(other.error().configuration_error);
    CHECK_THAT(other.error().reason, Contains(file + ":1:"));
    CHECK_THAT(other.error().reason, Contains("a running instance keeps its name, \"shop\""));
}

TEST_CASE("a generation's sockets and inbox are found until it is released, newest first") {
    const TemporaryDirectory folder;
    const auto config = read_configuration(configuration(folder.path(), R"({"command": ["/bin/true"]})"));
    Generations generations;
    const auto first = prepared(1, config);
    const auto second = prepared(2, config, first->listeners);
    generations.add(first);
    generations.add(second);
    CHECK(generations.find(core::GenerationId{1}) == first.get());
    CHECK(generations.find(std::nullopt) == nullptr);
    CHECK(generations.inbox_of(core::GenerationId{2}) == second->inbox);
    CHECK(generations.inbox_of(std::nullopt) == nullptr);
    CHECK(generations.held_listeners() == Listeners{second->listeners.front(), first->listeners.front()});
    CHECK(generations.listeners_by_generation().at(core::GenerationId{1}) == first->listeners);
    generations.release(core::GenerationId{1});
    CHECK(generations.find(core::GenerationId{1}) == nullptr);
    CHECK(generations.listeners_of(core::GenerationId{1}).empty());
    CHECK(generations.held_listeners() == second->listeners);
}
