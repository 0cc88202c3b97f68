// Holds the core to its promises, step by step. It knows the rules from their description alone. Of what an
// event asks for it derives what the core owes, lets pass only actions that are owed or allowed, and when the
// step is over nothing may be owed any more. Where the core has a choice, in the handoff and in a roll, it
// keeps what happened and what everybody was told, and asks only whether that holds. Where the time of a rule
// has come by a timer, the core's own announcement is the trigger: the checker then asks whether it was due,
// and after each step, whether the core waits for the next deadline that there is.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "master/core/supervisor.h"
#include "tests/sim/coverage.h"
#include "tests/sim/model.h"
#include "tests/sim/property.h"

namespace sup::sim {

class Checker {
public:
    // With `connections_only` it does not look at who is offered which inbox: what becomes of the connections
    // must then show what is wrong there.
    Checker(Coverage& coverage, bool connections_only)
        : coverage_(coverage), connections_only_(connections_only) {}

    // One step of the core, seen from outside. Throws a Violation.
    void after(const core::Event& event, core::TimePoint now, const std::vector<core::Action>& actions,
               std::optional<core::TimePoint> next_deadline);
    // What the core says of itself, between two steps.
    void compare(const core::View& view) const;
    // No event is due any more, and nothing fails: everything must have come to its end.
    void at_rest() const;

    const Model& model() const { return model_; }

private:
    // checker_events.cpp: what an event means. False: nothing at all.
    bool happened(const core::StartRequested& event);
    bool happened(const core::ReloadRequested& event);
    bool happened(const core::StopRequested& event);
    bool happened(const core::AddWorkerRequested& event);
    bool happened(const core::RemoveWorkerRequested& event);
    bool happened(const core::Prepared& event);
    bool happened(const core::PrepareFailed& event);
    bool happened(const core::WorkerSpawned& event);
    bool happened(const core::SpawnFailed& event);
    bool happened(const core::WorkerReady& event);
    bool happened(const core::WorkerOpenedChannel& event);
    bool happened(const core::WorkerExtendedTimeout& event);
    bool happened(const core::WorkerOutOfReach& event);
    bool happened(const core::WorkerAbandoned& event);
    bool happened(const core::WorkerExited& event);
    bool happened(const core::DeadlineReached& event);

    // checker_transitions.cpp: what follows from it.
    bool may_begin_reload() const;
    void begin_reload();
    void fail_askers(const core::Failure& failure, std::optional<core::GenerationId> generation);
    void became_ready(Worker& worker);
    void promote(GenerationModel& generation);
    void abort(GenerationModel& generation, const core::Failure& failure);
    void ended(core::WorkerId id, const core::Failure& failure);
    core::Failure failure_of(const Worker& worker, core::ExitStatus status) const;
    void owe_restart(GenerationModel& generation, SlotModel& slot, const Worker& worker);
    void gone(GenerationModel& generation);
    void end(int exit_code);
    void exit_if_empty();
    void owe_drain(Worker& worker, std::optional<core::GenerationId> successor, Property property);
    void owe_kill(Worker& worker, core::Kill::Reason reason, Property property);
    void owe_reply(core::RequestId request, decltype(core::Reply::outcome) outcome);

    // checker_rolling.cpp: slots that change hands one by one.
    void roll();
    void changes_hands(const Worker& leaver, const core::Drain& action);
    void visit_change(const Worker& leaver, const GenerationModel& to);
    void slots_have_one_owner(const GenerationModel& active) const;
    void slot_served(GenerationModel& generation);
    void step_begins(const GenerationModel& generation, core::Slot slot);
    void steps_run();
    void processes_bounded();
    std::vector<bool> served_slots(std::optional<core::WorkerId> beside) const;

    // checker_handoff.cpp: whether what was told of the handoff holds.
    void rule(bool holds, Property property, const char* detail) const;
    bool takes(std::optional<core::GenerationId> id) const;
    void spoke(Worker& worker);
    void taker_left(GenerationModel& generation, const Worker* leaver,
                    std::optional<core::GenerationId> successor);
    std::optional<core::GenerationId> in_place_of(const GenerationModel& closed) const;
    void visit_drain(const Worker& worker, const core::Drain& action);
    void leaves_inbox_to_others(const Worker& leaver) const;
    void check_offer(const Worker& worker, const core::Drain& action);
    void visit_offer(const Worker& worker, const core::OfferInbox& action);
    void done(const core::OfferInbox& action);
    void done(const core::CloseInbox& action);
    void done(const core::ReopenInbox& action);
    void done(const core::ForwardInbox& action);
    void inbox_released(const GenerationModel& gone);
    void offer_holds(const Worker& worker) const;
    void inbox_holds(const GenerationModel& generation) const;
    void offers_hold();

    // checker_actions.cpp: whether an action may come now.
    void done(const core::Prepare& action);
    void done(const core::Spawn& action);
    void done(const core::Drain& action);
    void done(const core::Kill& action);
    void done(const core::Release& action);
    void told_before(core::GenerationId id, core::GenerationState news) const;
    void done(const core::Reply& action);
    void done(const core::GenerationChanged& action);
    void done(const core::WorkerChanged& action);
    void done(const core::RestartScheduled& action);
    void done(const core::ReloadWaits& action);
    void done(const core::CountChanged& action);
    void done(const core::Exit& action);
    Worker& living(core::WorkerId id);
    Property unasked_signal(const Worker& worker) const;

    // checker_told.cpp: what else the actions tell.
    void done(const core::Steer& action);
    void done(const core::Promote& action);
    void done(const core::GiveUp& action);
    void done(const core::NoteSockets& action);
    void done(const core::RestoreSockets& action);
    void done(const core::SetPatience& action);
    void owe_restored_sockets(const GenerationModel& released);
    void check_successor(std::optional<core::GenerationId> successor, std::uint32_t slots) const;
    std::optional<core::GenerationId> active_id() const;
    void numbers_hold(const core::Action& action) const;
    void serving_told() const;
    void patience_told() const;

    // checker_deadlines.cpp: what has its time.
    struct Deadline {
        core::TimePoint at;
        Property property;  // broken when nothing happens then
        std::uint64_t owner;
        core::Slot slot = 0;

        friend bool operator==(const Deadline&, const Deadline&) = default;
    };
    void list_deadlines();
    std::optional<Deadline> earliest() const;
    void reached_in_time() const;
    void deadline_told();

    // checker_rest.cpp: what must hold when the step is over.
    void settled();
    void nothing_owed() const;
    void slots_filled() const;
    void reload_runs() const;

    Coverage& coverage_;
    const bool connections_only_;
    Model model_;
    core::TimePoint now_{};
    bool aborted_ = false;   // a reload failed in this step
    bool ends_ = false;      // in this step the instance began to end
    core::Serving serving_;  // as it was told last
    std::optional<core::Promote> promote_owed_;
    std::optional<core::GiveUp> give_up_owed_;
    std::optional<core::NoteSockets> note_owed_;
    std::vector<core::RestoreSockets> restores_owed_;
    std::uint32_t surge_ = 0;   // the most that a roll which is not at its end may have had
    std::vector<bool> served_;  // by slot: before this step's event, and not by whom the event takes away

    std::vector<Deadline> deadlines_;  // scratch
    std::optional<Deadline> reached_;  // which this step's event told of
    std::set<core::TimePoint> former_deadlines_;
};
}  // namespace sup::sim
