#include <functional>

#include "tests/unit/ledger/book.h"

using namespace sup;
using namespace sup::testing;
using nlohmann::json;

namespace {

// Something of everything.
json a_full_ledger() {
    Book book = reloaded();
    book.drain(wrk(2), gen(2));
    book.end(wrk(1), {3, 2, 1, 1, {{"chat", 2}}});
    book.prepare(gen(3), 300);
    book.tell_failed(req(3), gen(3), {"it broke", {"last words"}}, 305);
    book.tell_promoted(req(4), gen(2), core::WaitFor::drained);
    book.ledger.stopped(req(5));
    book.ledger.follow(core::Exit{0});
    return book.ledger.save();
}

// Every document that differs from `whole` by one value replaced, or one key left out.
void each_damage(const json& whole, const std::function<void(const json&)>& visit) {
    const json flat = whole.flatten();
    for (const auto& [path, value] : flat.items()) {
        const json::json_pointer place(path);
        for (const json& other : {json(nullptr), json(-1), json(1.5), json(18'446'744'073'709'551'615U),
                                  json(true), json("text"), json::array(), json::object()}) {
            json damaged = whole;
            damaged[place] = other;
            visit(damaged);
        }
        json damaged = whole;
        json& parent = damaged[place.parent_pointer()];
        if (!parent.is_object()) continue;
        parent.erase(place.back());
        visit(damaged);
    }
}

}  // namespace

TEST_CASE("what is not a ledger is refused, and whatever is accepted saves as it was") {
    const json whole = a_full_ledger();
    REQUIRE(Ledger::restore(whole).ok());
    each_damage(whole, [](const json& damaged) {
        const auto restored = Ledger::restore(damaged);
        if (restored.ok()) CHECK(restored->save() == damaged);
    });
    for (const json& other : {json(nullptr), json(1), json("text"), json::array(), json::object()})
        CHECK_FALSE(Ledger::restore(other).ok());
}

TEST_CASE("a ledger of a later version is refused") {
    json later = a_full_ledger();
    later["version"] = 2;
    CHECK_FALSE(Ledger::restore(later).ok());
}
