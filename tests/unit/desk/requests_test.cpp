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

}  // namespace

TEST_CASE("each request is answered once, with its own answer") {
    sup::Requests requests;
    std::vector<std::string> first;
    std::vector<std::string> second;
    const auto a = requests.add([&](const Reload& told) { first.push_back(told.reason); });
    const auto b = requests.add([&](const Reload& told) { second.push_back(told.reason); });
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
    const auto id = requests.add([&](const Reload&) {
        requests.answer(requests.add([&](const Reload&) { asked_again = true; }), {});
    });
    requests.answer(id, {});
    CHECK(asked_again);
}
