#include "master/desk/desk.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "common/uv.h"
#include "tests/catch.h"
#include "tests/temporary_directory.h"
#include "tests/unit/turn.h"

using namespace sup;
using Catch::Matchers::Contains;

namespace {

struct Reception {
    uv::Loop loop;
    test::TemporaryDirectory folder;
    UniqueFd starter;  // who waits for the start reads here
    std::vector<core::Event> asked;
    std::vector<bool> stops;
    std::optional<Desk> desk;

    Reception() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        starter.reset(ends[0]);
        desk.emplace("shop", UniqueFd{ends[1]},
                     Desk::Callbacks{.ask = [this](core::Event event) { asked.push_back(std::move(event)); },
                                     .picture =
                                         [] {
                                             status::Picture picture;
                                             picture.name = "shop";
                                             return picture;
                                         },
                                     .asked_to_stop = [this](bool now) { stops.push_back(now); }});
    }
    std::string told() const {
        std::array<char, 4096> bytes{};
        const ssize_t size = ::recv(starter.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : std::string();
    }
    bool starter_is_alone() const {
        char byte = 0;
        return ::recv(starter.get(), &byte, 1, MSG_DONTWAIT) == 0;
    }
};

status::Reload promoted() {
    status::Reload reload;
    reload.generation = 1;
    reload.outcome = "promoted";
    return reload;
}

}  // namespace

TEST_CASE("a reload is asked of the core, and its outcome answers the one who asked") {
    Reception reception;
    std::string answer;
    reception.desk->reload(core::WaitFor::drained, [&](std::string_view result) { answer = result; });
    REQUIRE(reception.asked.size() == 1);
    const auto& event = std::get<core::ReloadRequested>(reception.asked.front());
    CHECK(event.wait == core::WaitFor::drained);
    CHECK(answer.empty());
    reception.desk->answer(event.request, promoted());
    CHECK(nlohmann::json::parse(answer)["outcome"] == "promoted");
}

TEST_CASE("a stop is noted before the core is asked, and is answered as a stop") {
    Reception reception;
    std::string answer;
    reception.desk->stop(true, [&](std::string_view result) { answer = result; });
    CHECK(reception.stops == std::vector{true});
    const auto& event = std::get<core::StopRequested>(reception.asked.at(0));
    CHECK(event.now);
    status::Stopped stopped;
    stopped.left_behind.push_back({.pid = 7, .name = "process 7 (x)", .why = "", .listeners = ""});
    reception.desk->answer(event.request, stopped);
    const auto told = nlohmann::json::parse(answer);
    CHECK(told["stopped"] == true);
    CHECK(told["left_behind"][0]["pid"] == 7);
    CHECK_FALSE(told.contains("outcome"));
}

TEST_CASE("each request has a number of its own, also those of signals") {
    Reception reception;
    const auto start = reception.desk->start();
    const auto signal = reception.desk->add_unawaited();
    CHECK(start != signal);
    reception.desk->answer(signal, promoted());
    CHECK(reception.told().empty());
}

TEST_CASE("who waits for the start hears of events, then of its success, and is let go") {
    Reception reception;
    const auto start = reception.desk->start();
    reception.desk->announce(status::GenerationEvent{1, "starting", 2, 0});
    CHECK_THAT(reception.told(), Contains("starting"));
    CHECK(reception.desk->somebody_waits_for_the_start());
    reception.desk->answer(start, promoted());
    CHECK_THAT(reception.told(), Contains("\"promoted\"") && Contains("\"shop\""));
    CHECK(reception.starter_is_alone());
    CHECK_FALSE(reception.desk->somebody_waits_for_the_start());
}

TEST_CASE("of a start that failed nobody hears before everything has ended") {
    Reception reception;
    const auto start = reception.desk->start();
    status::Reload failed;
    failed.outcome = "failed";
    reception.desk->answer(start, failed);
    CHECK(reception.told().empty());
    reception.desk->report_failed_start(
        "the reason", {.worker_output = {"last words"}, .left_behind = {}, .log = "/var/log/x"});
    CHECK_THAT(reception.told(), Contains("the reason") && Contains("last words") && Contains("/var/log/x"));
    CHECK(reception.starter_is_alone());
}

TEST_CASE("a control socket that cannot be opened is told to who waits for the start") {
    Reception reception;
    const Status opened =
        reception.desk->open(reception.loop.get(), reception.folder.path() + "/no/such/socket");
    REQUIRE_FALSE(opened.ok());
    CHECK_THAT(reception.told(), Contains("/no/such/socket"));
    CHECK_FALSE(reception.desk->restore().value());
}

TEST_CASE("a control socket that somebody removed is made again, once") {
    Reception reception;
    const std::string path = reception.folder.path() + "/control.sock";
    REQUIRE(reception.desk->open(reception.loop.get(), path).ok());
    CHECK_FALSE(reception.desk->restore().value());
    REQUIRE(::unlink(path.c_str()) == 0);
    CHECK(reception.desk->restore().value());
    CHECK(::access(path.c_str(), F_OK) == 0);
    reception.desk->close();
    while (uv_loop_alive(reception.loop.get())) test::turn(reception.loop.get());
    CHECK(::access(path.c_str(), F_OK) != 0);
}
