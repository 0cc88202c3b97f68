#include "master/instance/engine.h"

#include <string>
#include <vector>

#include "common/uv.h"
#include "tests/catch.h"
#include "tests/unit/turn.h"

using namespace sup;

namespace {

// Answers as a shell would whose workers are ready at once, and notes what it is told.
class Recorder final : public Performer {
public:
    void begin(const core::Event& event) override { notes.push_back("begin " + core::to_string(event)); }
    void perform(const core::Action& action) override {
        notes.push_back(core::to_string(action));
        if (const auto* prepare = std::get_if<core::Prepare>(&action)) {
            core::Policy policy;
            policy.count = 1;
            policy.soak = Duration{20};
            policy.start_soak = Duration{20};
            engine->post(core::Prepared{prepare->generation, policy});
        }
        if (const auto* spawn = std::get_if<core::Spawn>(&action)) {
            engine->post(core::WorkerSpawned{spawn->worker});
            engine->post(core::WorkerReady{spawn->worker});
        }
    }
    void end(const core::Event&) override { notes.emplace_back("end"); }
    void look_before_deadline() override {
        notes.emplace_back("look");
        if (late) engine->post(*std::exchange(late, std::nullopt));
    }
    void turn_over() override { notes.emplace_back("turn over"); }

    bool has(const std::string& beginning) const { return index_of(beginning) < notes.size(); }
    std::size_t index_of(const std::string& beginning) const {
        std::size_t index = 0;
        while (index < notes.size() && notes[index].rfind(beginning, 0) != 0) ++index;
        return index;
    }

    Engine* engine = nullptr;
    std::vector<std::string> notes;
    std::optional<core::Event> late;  // happened, and is noticed only when somebody looks
};

struct Machine {
    uv::Loop loop;
    Recorder recorder;
    Engine engine{loop.get(), core::Supervisor(1), recorder};

    Machine() { recorder.engine = &engine; }
    void until(const std::string& note) {
        while (!recorder.has(note)) test::turn(loop.get());
    }
};

}  // namespace

TEST_CASE("an event is worked off in a turn of its own, and what follows from it in the same") {
    Machine machine;
    machine.engine.post(core::StartRequested{core::RequestId{1}});
    CHECK(machine.recorder.notes.empty());
    machine.until("Spawn");
    CHECK(machine.recorder.index_of("Spawn") < machine.recorder.index_of("turn over"));
    // No step begins within another one.
    int depth = 0;
    for (const std::string& note : machine.recorder.notes) {
        if (note.rfind("begin ", 0) == 0) ++depth;
        if (note == "end") --depth;
        CHECK((depth == 0 || depth == 1));
    }
}

TEST_CASE("a deadline of the core comes when it is due, after a look at what has happened by then") {
    Machine machine;
    const core::TimePoint began = machine.engine.now();
    machine.engine.post(core::StartRequested{core::RequestId{1}});
    machine.until("Promote");
    CHECK(machine.engine.now() - began >= Duration{20});
    CHECK(machine.recorder.index_of("look") < machine.recorder.index_of("begin DeadlineReached"));
    CHECK(machine.engine.view().state == core::InstanceState::running);
}

TEST_CASE("who has ended before a deadline has, also when nobody noticed: the deadline comes second") {
    Machine machine;
    machine.recorder.late = core::WorkerExited{core::WorkerId{1}, core::ExitStatus{false, 7}};
    machine.engine.post(core::StartRequested{core::RequestId{1}});
    machine.until("Exit");  // the only worker fell while it soaked, so the start has failed
    CHECK_FALSE(machine.recorder.has("Promote"));
}

TEST_CASE("to be woken is to look once more, without an event") {
    Machine machine;
    machine.engine.wake();
    machine.until("turn over");
    CHECK(machine.recorder.notes.front() == "turn over");
}
