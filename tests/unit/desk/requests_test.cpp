#include "master/desk/requests.h"

#include <vector>

#include "tests/catch.h"

using sup::status::Reload;

namespace {

Reload outcome(const char* reason) {
    Reload reload;
    reload.reason = reason;
    return reload;
}

std::string reason(const sup::Requests::Outcome& outcome) {
    return std::get<Reload>(outcome).reason;
}

}  // namespace

TEST_CASE("each request is answered once, with its own answer") {
    sup::Requests requests;
    std::vector<std::string> first;
    std::vector<std::string> second;
    const auto a = requests.add([&](const auto& told) { first.push_back(reason(told)); });
    const auto b = requests.add([&](const auto& told) { second.push_back(reason(told)); });
    CHECK(a != b);
    requests.answer(b, outcome("two"));
    requests.answer(a, outcome("one"));
    requests.answer(a, outcome("three"));
    CHECK(first == std::vector<std::string>{"one"});
    CHECK(second == std::vector<std::string>{"two"});
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
    const auto id = requests.add(
        [&](const auto&) { requests.answer(requests.add([&](const auto&) { asked_again = true; }), {}); });
    requests.answer(id, {});
    CHECK(asked_again);
}
