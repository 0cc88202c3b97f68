// What an instance remembers of its reloads, beside the core's state: how they ended, what became of the
// connections of those they drained, who is still to be answered, and what sup could not end. It is told what
// the core does and what becomes of the workers. Plain data: a master that takes over restores it with the core's state, and nobody
// who waits notices.
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
    // What a worker that drains has counted so far.
    using Live = std::function<DrainTotals(core::WorkerId)>;
    // Whether processes that workers have left behind are still being ended: of generations older than this
    // one, or of any.
    using Leftovers = std::function<bool(std::optional<core::GenerationId>)>;
    // Why a reload failed, in words.
    struct Words {
        std::string reason;
        std::vector<std::string> worker_output = {};
    };
    struct Answer {
        core::RequestId request;
        std::optional<ReloadOutcome> outcome;  // none: what stops has ended

        bool operator==(const Answer&) const = default;
    };

    // Which request is the start's; its failure is not a reload's.
    void start_asked(core::RequestId request) { start_ = request; }
    bool is_start(core::RequestId request) const { return start_ == request; }

    // The core's actions, each when it is performed. Of others there is nothing to remember.
    void follow(const core::Prepare& action, Now now);
    void follow(const core::Promote& action, Now now);
    void follow(const core::Drain& action);
    void follow(const core::Release& action);
    void follow(const core::Exit& action) { exit_code_ = action.code; }

    // A worker has ended; what it counted, and what was cut with it.
    void ended(core::WorkerId worker, const DrainTotals& left);
    // It is watched no more, or never was there.
    void forget(core::WorkerId worker) { leaving_for_.erase(worker); }

    // The outcome of a request. It is one of the answers then, at once or when it is due.
    ReloadOutcome failed(core::RequestId request, const core::Reply::Failed& told, const Words& words,
                         Now now, const Live& live);
    void promoted(core::RequestId request, const core::Reply::Promoted& told, const Live& live);
    void stopped(core::RequestId request) { stops_.push_back(request); }
    // Each comes once: of a promotion that was to be waited for until the old generation is gone, when
    // nothing that its workers left is there; of a stop, when nothing at all is.
    std::vector<Answer> take_due(const Leftovers& leftovers);

    std::optional<ReloadOutcome> last_reload(const Live& live) const;
    const std::optional<ReloadOutcome>& failed_start() const { return failed_start_; }
    std::optional<core::GenerationId> last_promoted() const { return last_promoted_; }
    bool never_served(core::GenerationId generation) const {
        return !last_promoted_ || generation > *last_promoted_;
    }
    // Of how a generation's workers now start otherwise than the first ones did: what was not said last time.
    std::vector<std::string> untold_changes(core::GenerationId generation, std::vector<std::string> changes);
    LeftBehindList& left_behind() { return left_behind_; }
    const LeftBehindList& left_behind() const { return left_behind_; }
    // The core has come to its end; with what exit code.
    std::optional<int> exit_code() const { return exit_code_; }

    // As the core's: the whole state, and the same ledger again.
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
        bool for_leftovers = false;  // of generations that are older than the outcome's
    };

    Duration since_the_beginning(Now now) const;
    ReloadOutcome with_connections(ReloadOutcome outcome, const Live& live) const;

    std::optional<core::RequestId> start_;
    std::optional<core::TimePoint> reload_began_;
    std::optional<core::GenerationId> last_promoted_;
    std::map<core::GenerationId, Promotion> promotions_;
    // Which reload (by its generation) a worker makes room for, or gives room back after, that drains; and
    // what became of the connections of those that have ended.
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
