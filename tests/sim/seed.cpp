#include "tests/sim/seed.h"

#include "tests/sim/checker.h"
#include "tests/sim/clients.h"
#include "tests/sim/operator.h"
#include "tests/sim/shadow.h"
#include "tests/sim/world.h"

namespace sup::sim {
namespace {

constexpr std::uint64_t events_of_a_seed = 200;
// Faults have ceased by then, so an instance that still has something to do is not going to end.
constexpr std::uint64_t happenings_to_rest = 40'000;

class Life {
public:
    Life(std::uint64_t seed, Coverage& coverage, bool connections_only, const Trace& trace)
        : random_(seed),
          profile_(random_profile(random_)),
          world_(profile_, Random{random_.next()}, coverage, trace),
          operator_(profile_, Random{random_.next()}, world_),
          supervisor_(random_.next()),
          checker_(coverage, connections_only),
          clients_(Random{random_.next()}, coverage),
          trace_(trace) {
        if (!connections_only && random_.chance(25)) save_after_ = 1 + random_.below(150);
    }

    std::uint64_t events() const { return events_; }

    void run(std::uint64_t budget) {
        if (trace_) trace_(std::string("profile ") + profile_.name);
        feed(operator_.start());
        if (random_.chance(70)) start_in_peace();
        do {
            faults(budget / 2 + random_.below(static_cast<std::uint32_t>(budget)));
            rest();
        } while (!checker_.model().exited && random_.chance(20));
        if (!checker_.model().exited) {
            feed(operator_.stop(random_.chance(10)));
            rest();
            require(checker_.model().exited, Property::stop_leaves_nothing,
                    "the instance was stopped, and did not end");
        }
        for (int late = 0; late < 3; ++late) feed(world_.stale_event());
        feed(operator_.reload());
        feed(operator_.stop(true));
    }

private:
    // Most lives should be long, and not end because their first generation could not start.
    void start_in_peace() {
        world_.calm();
        while (checker_.model().active() == nullptr && world_.next_at()) let_happen();
    }

    void let_happen() {
        if (const auto event = world_.take()) feed(*event);
    }

    void faults(std::uint64_t count) {
        world_.trouble();
        operator_.resume();
        for (const std::uint64_t end = events_ + count; events_ < end && !checker_.model().exited;) {
            const auto next = world_.next_at();
            if (next &&
                (*next < operator_.next_at() || (*next == operator_.next_at() && random_.chance(50)))) {
                let_happen();
            } else {
                world_.advance(operator_.next_at());
                if (const auto event = operator_.act()) feed(*event);
            }
        }
    }

    void rest() {
        if (trace_) trace_("--- faults cease");
        world_.calm();
        for (std::uint64_t left = happenings_to_rest; world_.next_at(); let_happen())
            require(left-- > 0, Property::converges, "the instance never comes to rest");
        checker_.at_rest();
        const Unheld unserved = world_.connections().unserved();
        require(checker_.model().exited || unserved.forgotten == 0, Property::connections_served,
                "a connection waits in an inbox for somebody to take it, and nobody will");
        checker_.compare(supervisor_.view());
    }

    void feed(const core::Event& event) {
        ++events_;
        const core::TimePoint now = world_.now();
        if (trace_) trace_(std::to_string(now.time_since_epoch().count()) + " ms  " + core::to_string(event));
        const std::vector<core::Action> actions = supervisor_.step(event, now);
        if (trace_)
            for (const core::Action& action : actions) trace_("            -> " + core::to_string(action));
        books_.after(event, now, actions);
        const std::optional<core::TimePoint> next_deadline = supervisor_.next_deadline();
        shadow_.follow(event, now, actions, books_, next_deadline);
        if (!actions.empty()) clients_.steer(event, actions);
        checker_.after(event, now, actions, next_deadline);
        if (!actions.empty()) clients_.come(checker_.model());
        clients_.released(actions);
        for (const core::Action& action : actions) world_.perform(action);
        world_.await(next_deadline);
        judge_losses();
        if (random_.chance(5)) checker_.compare(supervisor_.view());
        if (events_ == save_after_) {
            if (trace_) trace_("--- saved and restored");
            shadow_.begin(supervisor_, books_, random_.chance(50));
            save_after_ += 1 + random_.below(150);
        }
    }

    void judge_losses() {
        const Unheld lost = world_.connections().lost();
        const Model& model = checker_.model();
        if (lost.all() == 0 || model.ending) return;
        require(lost.forgotten == 0, Property::connections_survive,
                "a generation is released with a connection in its inbox, and nobody was killed or crashed");
        const GenerationModel* active = model.active();
        require(active == nullptr || !model.takes(*active), Property::connections_survive,
                "a generation is released with a connection in its inbox that the active one could take");
    }

    Random random_;
    const Profile& profile_;
    World world_;
    Operator operator_;
    core::Supervisor supervisor_;
    Checker checker_;
    Clients clients_;
    Books books_;
    Shadow shadow_;
    const Trace& trace_;
    std::uint64_t events_ = 0;
    std::uint64_t save_after_ = 0;
};

}  // namespace

Outcome run_seed(std::uint64_t seed, Coverage& coverage, bool connections_only, const Trace& trace) {
    Outcome outcome;
    Random lives(seed);
    while (outcome.events < events_of_a_seed && !outcome.violation) {
        Life life(lives.next(), coverage, connections_only, trace);
        try {
            life.run(events_of_a_seed);
        } catch (const Violation& violation) {
            outcome.violation = violation;
        }
        outcome.events += life.events();
    }
    return outcome;
}

}  // namespace sup::sim
