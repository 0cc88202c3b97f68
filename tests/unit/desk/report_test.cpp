#include "master/desk/report.h"

#include <sys/socket.h>

#include <array>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/catch.h"

namespace {

std::array<sup::UniqueFd, 2> stream() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {sup::UniqueFd{ends[0]}, sup::UniqueFd{ends[1]}};
}

std::vector<nlohmann::json> read_all(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = ::read(fd, buffer.data(), buffer.size())) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    std::vector<nlohmann::json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
}

}  // namespace

TEST_CASE("a start's progress is followed by its outcome and end-of-file") {
    auto ends = stream();
    sup::StartReport report(std::move(ends[0]));
    report.event(sup::status::GenerationEvent{});
    sup::status::Started started;
    started.outcome.generation = 1;
    report.succeeded(started);
    CHECK_FALSE(report.waiting());
    report.event(sup::status::GenerationEvent{});

    const auto lines = read_all(ends[1].get());
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["method"] == "event");
    CHECK(lines[0]["params"]["type"] == "generation");
    CHECK(lines[1]["id"] == 0);
    CHECK(lines[1]["result"]["generation"] == 1);
}

TEST_CASE("a failed start carries its message and data") {
    auto ends = stream();
    sup::StartReport report(std::move(ends[0]));
    sup::status::FailedStart failed;
    failed.worker_output = {"no"};
    report.failed("worker ./x: Permission denied", failed);
    const auto lines = read_all(ends[1].get());
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["error"]["message"] == "worker ./x: Permission denied");
    CHECK(lines[0]["error"]["data"]["worker_output"][0] == "no");
}

TEST_CASE("nobody who waits, and a reader that has gone, are no trouble") {
    sup::StartReport nobody{sup::UniqueFd{}};
    nobody.event(sup::status::CountEvent{});
    nobody.succeeded({});

    auto ends = stream();
    ends[1].reset();
    sup::StartReport report(std::move(ends[0]));
    report.event(sup::status::CountEvent{});
    CHECK_FALSE(report.waiting());
}
