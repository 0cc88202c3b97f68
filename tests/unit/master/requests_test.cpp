#include "master/requests.h"

#include <nlohmann/json.hpp>

#include "tests/catch.h"

TEST_CASE("each request is answered once, with its own answer") {
    sup::Requests requests;
    std::vector<int> first;
    std::vector<int> second;
    const auto a = requests.add([&](const nlohmann::json& result) { first.push_back(result); });
    const auto b = requests.add([&](const nlohmann::json& result) { second.push_back(result); });
    CHECK(a != b);
    requests.answer(b, 2);
    requests.answer(a, 1);
    requests.answer(a, 3);
    CHECK(first == std::vector{1});
    CHECK(second == std::vector{2});
}

TEST_CASE("a request that nobody waits for, and one that is not known, may be answered") {
    sup::Requests requests;
    requests.answer(requests.add({}), {});
    requests.answer(sup::core::RequestId{99}, {});
    SUCCEED();
}

TEST_CASE("an answer may ask again") {
    sup::Requests requests;
    bool asked_again = false;
    const auto id = requests.add([&](const nlohmann::json&) {
        requests.answer(requests.add([&](const nlohmann::json&) { asked_again = true; }), {});
    });
    requests.answer(id, {});
    CHECK(asked_again);
}
