// What an instance remembers about its reloads, beside the core's state: how they ended, what became of the
// connections of the workers they drained, which requests are still unanswered, and what sup could not end.
// It is told what the core does and what becomes of the workers. Plain data: a master that takes over
// restores it with the core's state, and waiting clients notice nothing.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "master/core/action.h"
#include "master/ledger/left_behind.h"
#include "master/ledger/outcome.h"

namespace sup {

class Ledger {
public:
    struct Now {
        core::TimePoint steady;
        std::chrono::system_clock::time_point wall;
    };
    // What a draining worker has counted so far.
    using Live = std::function<DrainTotals(core::WorkerId)>;
    // Whether sup is still ending processes that workers have left behind: workers of generations older than
    // this one, or of any.
    using Leftovers = std::function<bool(std::optional<core::GenerationId>)>;
    // Why a reload failed, in words.
    struct Words {
        std::string reason;
        std::vector<std::string> worker_output = {};
    };
    struct Answer {
        core::RequestId request;
        std::optional<ReloadOutcome> outcome;  // none: it answers a stop

        bool operator==(const Answer&) const = default;
    };

    // Which request is the start; its failure is not that of a reload.
    void start_asked(core::RequestId request) { start_ = request; }
    bool is_start(core::RequestId request) const { return start_ == request; }

    // The core's actions, each when it is performed. There is nothing to remember about the others.
    void follow(const core::Prepare& action, Now now);
    void follow(const core::Promote& action, Now now);
    void follow(const core::Drain& action);
    void follow(const core::Release& action);
    void follow(const core::Exit& action) { exit_code_ = action.code; }

    // A worker has ended: what it counted, and what was cut with it.
    void ended(core::WorkerId worker, const DrainTotals& left);
    // It is no longer watched, or never existed.
    void forget(core::WorkerId worker) { leaving_for_.erase(worker); }

    // The outcome of a request. take_due() returns the answer, at once or when it is due.
    ReloadOutcome failed(core::RequestId request, const core::Reply::Failed& told, const Words& words,
                         Now now, const Live& live);
    void promoted(core::RequestId request, const core::Reply::Promoted& told, const Live& live);
    void stopped(core::RequestId request) { stops_.push_back(request); }
    // Each answer comes once. If a promotion was to be answered when the old generation is gone: once nothing
    // that its workers left is there. For a stop: once nothing at all is left.
    std::vector<Answer> take_due(const Leftovers& leftovers);

    std::optional<ReloadOutcome> last_reload(const Live& live) const;
    const std::optional<ReloadOutcome>& failed_start() const { return failed_start_; }
    std::optional<core::GenerationId> last_promoted() const { return last_promoted_; }
    bool never_served(core::GenerationId generation) const {
        return !last_promoted_ || generation > *last_promoted_;
    }
    // How a generation's workers now start differently from the first ones: only what was not said last time.
    std::vector<std::string> untold_changes(core::GenerationId generation, std::vector<std::string> changes);
    LeftBehindList& left_behind() { return left_behind_; }
    const LeftBehindList& left_behind() const { return left_behind_; }
    // The core has come to its end, with this exit code.
    std::optional<int> exit_code() const { return exit_code_; }

    // Like the core's: the whole state, and the same ledger again.
    nlohmann::json save() const;
    static Result<Ledger> restore(const nlohmann::json& saved);

private:
    struct Promotion {
        ReloadOutcome outcome;
        std::optional<core::GenerationId> replaced;  // until it is gone
    };
    struct Waiting {
        core::RequestId request;
        ReloadOutcome outcome;
        bool for_leftovers = false;  // those of generations older than the outcome's
    };

    Duration since_the_beginning(Now now) const;
    ReloadOutcome with_connections(ReloadOutcome outcome, const Live& live) const;

    std::optional<core::RequestId> start_;
    std::optional<core::TimePoint> reload_began_;
    std::optional<core::GenerationId> last_promoted_;
    std::map<core::GenerationId, Promotion> promotions_;
    // For which reload (by its generation) a draining worker makes room, or after which it gives room back;
    // and what became of the connections of the workers that have ended.
    std::map<core::WorkerId, core::GenerationId> leaving_for_;
    std::map<core::GenerationId, DrainTotals> drain_totals_;
    std::optional<ReloadOutcome> last_reload_;
    std::optional<ReloadOutcome> failed_start_;
    std::vector<Waiting> waiting_;
    std::vector<core::RequestId> stops_;
    std::optional<int> exit_code_;
    std::map<core::GenerationId, std::vector<std::string>> told_changes_;
    LeftBehindList left_behind_;
};

}  // namespace sup
