// A ledger in a test, saved and restored between any two entries, so that every promise is also one about a
// ledger that was taken over.
#pragma once

#include <nlohmann/json.hpp>

#include "master/ledger/ledger.h"
#include "tests/catch.h"

namespace sup::testing {

constexpr core::GenerationId gen(std::uint32_t number) {
    return core::GenerationId{number};
}
constexpr core::WorkerId wrk(std::uint64_t number) {
    return core::WorkerId{number};
}
constexpr core::RequestId req(std::uint64_t number) {
    return core::RequestId{number};
}

inline Ledger taken_over(const Ledger& ledger) {
    const nlohmann::json saved = ledger.save();
    auto restored = Ledger::restore(nlohmann::json::parse(saved.dump()));
    INFO(saved.dump(2));
    if (!restored) FAIL(restored.error().message);
    REQUIRE(restored->save() == saved);
    return std::move(restored).value();
}

inline Ledger::Now at(std::int64_t milliseconds) {
    const Duration time{milliseconds};
    return {core::TimePoint{time}, std::chrono::system_clock::time_point{time}};
}

struct Book {
    Ledger ledger;

    void prepare(core::GenerationId generation, std::int64_t when) {
        ledger.follow(core::Prepare{generation}, at(when));
        ledger = taken_over(ledger);
    }
    void promote(core::GenerationId generation, std::optional<core::GenerationId> replaced,
                 std::int64_t when) {
        ledger.follow(core::Promote{generation, replaced}, at(when));
        ledger = taken_over(ledger);
    }
    void drain(core::WorkerId worker, std::optional<core::GenerationId> reload) {
        ledger.follow(core::Drain{worker, reload, {}, 1, reload});
        ledger = taken_over(ledger);
    }
    void end(core::WorkerId worker, const DrainTotals& left) {
        ledger.ended(worker, left);
        ledger = taken_over(ledger);
    }
    void release(core::GenerationId generation) {
        ledger.follow(core::Release{generation});
        ledger = taken_over(ledger);
    }
    void tell_promoted(core::RequestId request, core::GenerationId generation, core::WaitFor wait) {
        ledger.promoted(request, {generation, wait}, nobody);
        ledger = taken_over(ledger);
    }
    void tell_failed(core::RequestId request, std::optional<core::GenerationId> generation,
                     const Ledger::Words& words, std::int64_t when,
                     const core::Failure& failure = core::failure::PrepareFailed{}) {
        ledger.failed(request, {generation, failure}, words, at(when), nobody);
        ledger = taken_over(ledger);
    }
    std::vector<Ledger::Answer> due(bool leftovers = false) {
        const auto answers = ledger.take_due([leftovers](auto) { return leftovers; });
        ledger = taken_over(ledger);
        return answers;
    }

    static DrainTotals nobody(core::WorkerId) { return {}; }
};

// Generation 1 serves, generation 2 has replaced it, and its worker 1 drains for that.
inline Book reloaded() {
    Book book;
    book.ledger.start_asked(req(1));
    book.prepare(gen(1), 100);
    book.promote(gen(1), {}, 150);
    book.tell_promoted(req(1), gen(1), core::WaitFor::promoted);
    book.due();
    book.prepare(gen(2), 200);
    book.promote(gen(2), gen(1), 230);
    book.drain(wrk(1), gen(2));
    return book;
}

}  // namespace sup::testing
