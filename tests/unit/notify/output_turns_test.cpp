#include "master/notify/output_turns.h"

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

namespace {

class Source final : public OutputSource {
public:
    int pieces = 0;  // that it still has
    int read = 0;
    bool full = true;

    bool read_piece() override {
        ++read;
        return --pieces > 0;
    }
    bool is_full() const override { return full; }
};

struct World {
    uv::Loop loop;
    bool full = false;  // the log
    int pieces_over = 0;
    OutputTurns turns{loop.get(), {[this] { return full; }, [this] { ++pieces_over; }}};

    void turn() { uv_run(loop.get(), UV_RUN_NOWAIT); }
};

}  // namespace

TEST_CASE("sources are read in turns, piece by piece") {
    World world;
    Source one;
    Source other;
    one.pieces = 1'000'000;
    other.pieces = 3;
    world.turns.wants_turn(one);
    world.turns.wants_turn(one);
    world.turns.wants_turn(other);
    REQUIRE(run_until(world.loop, [&] { return other.pieces == 0; }));
    CHECK(other.read == 3);
    CHECK(one.pieces > 0);
    CHECK(world.pieces_over == one.read + other.read);
    world.turns.forget(one);
    const int before = one.read;
    world.turn();
    CHECK(one.read == before);
}

TEST_CASE("while the log is full those that are patient are left unread, and others not") {
    World world;
    world.full = true;
    world.turns.set_wait(std::nullopt);
    Source patient;
    Source other;
    patient.pieces = other.pieces = 2;
    world.turns.set_patient(patient, true);
    world.turns.wants_turn(patient);
    world.turns.wants_turn(other);
    REQUIRE(run_until(world.loop, [&] { return other.pieces == 0; }));
    CHECK(patient.read == 0);
    SECTION("it is read when there is room again") {
        world.full = false;
        world.turns.resume();
    }
    SECTION("it is read when it must not wait any more") {
        world.turns.set_patient(patient, false);
    }
    REQUIRE(run_until(world.loop, [&] { return patient.pieces == 0; }));
}

TEST_CASE("a pipe that was full and unread for the time that is set is read until the log has room again") {
    World world;
    world.full = true;
    world.turns.set_wait(Duration{150});
    Source full;
    Source empty;
    full.pieces = empty.pieces = 1;
    empty.full = false;
    for (Source* source : {&full, &empty}) {
        world.turns.set_patient(*source, true);
        world.turns.wants_turn(*source);
    }
    REQUIRE(run_until(world.loop, [&] { return full.read == 1; }));
    CHECK(empty.read == 0);
    full.pieces = 1;
    world.turns.wants_turn(full);
    REQUIRE(run_until(world.loop, [&] { return full.read == 2; }));  // no second wait
    world.turns.resume();
    full.pieces = 1;
    world.turns.wants_turn(full);
    world.turn();
    CHECK(full.read == 2);  // but anew after there was room
    world.turns.forget(full);
    world.turns.forget(empty);
}
