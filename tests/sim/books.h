// Keeps a ledger as the shell does, and holds it to what it promises: each request is answered once, when it
// is due, with what became of the connections of all those who drained for its reload.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "master/ledger/ledger.h"

namespace sup::sim {

class Books {
public:
    // One step of the core. Throws a Violation.
    void after(const core::Event& event, core::TimePoint now, const std::vector<core::Action>& actions);

    // What was answered in the last step.
    const std::vector<Ledger::Answer>& answers() const { return answers_; }
    // The same books, with a ledger that is restored from what this one's saved. Throws a Violation.
    Books taken_over() const;
    bool same_ledger(const Books& other) const;

private:
    struct Owed {
        bool stops = false;
        bool promoted = false;
        std::optional<core::GenerationId> generation = {};
        bool for_leftovers = false;
        std::uint64_t closed = 0;  // by those who have drained for it, when it had its outcome
    };

    void ended(core::WorkerId worker);
    void forget(core::WorkerId worker);
    void entered(const core::Event& event);
    template <typename Action>
    void follow(const Action&, Ledger::Now) {}
    void follow(const core::Prepare& action, Ledger::Now now) { ledger_.follow(action, now); }
    void follow(const core::Promote& action, Ledger::Now now);
    void follow(const core::Release& action, Ledger::Now) { ledger_.follow(action); }
    void follow(const core::Exit& action, Ledger::Now) { ledger_.follow(action); }
    void follow(const core::Drain& action, Ledger::Now now);
    void follow(const core::Reply& action, Ledger::Now now);
    void owe(core::RequestId request, const Owed& owed);
    void answer();

    Ledger ledger_;
    std::uint64_t steps_ = 0;
    std::vector<Ledger::Answer> answers_;
    std::map<core::RequestId, Owed> owed_;
    std::set<core::GenerationId> promoted_;
    std::map<core::WorkerId, core::GenerationId> drains_for_;
    std::map<core::GenerationId, std::uint64_t> closed_;  // of those who have ended, by reload
};

}  // namespace sup::sim
