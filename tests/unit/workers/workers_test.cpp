#include "master/workers/workers.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "master/process/child_watch.h"
#include "master/workers/living.h"
#include "master/workers/strays.h"
#include "tests/unit/releases/prepared.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;

namespace {

constexpr core::WorkerId one{1};
constexpr core::WorkerId two{2};

// Shell commands as workers.
struct Hall {
    TemporaryDirectory folder;
    Subreaper heir;
    uv::Loop loop;
    Log log = std::move(Log::open({.file = folder.path() + "/log"})).value();
    std::vector<core::Event> happened;
    std::map<core::WorkerId, ExitReport> exits;
    bool leftovers_ended = false;
    LeftBehindList left_behind;
    Listeners held;
    std::optional<Workers> workers;
    std::optional<Strays> strays;
    std::optional<OrphanReaper> reaper;

    Hall() {
        workers.emplace(
            loop.get(), log,
            Workers::Callbacks{
                .happened = [this](core::Event event) { happened.push_back(std::move(event)); },
                .exited = [this](core::WorkerId id, const ExitReport& report) { exits[id] = report; },
                .ended_leftovers = [this](auto, const auto&) { leftovers_ended = true; },
                .is_only_its_own =
                    [this](core::WorkerId id, const ProcessStat& process) {
                        return strays->is_only_of(id, process);
                    }});
        strays.emplace(*workers, left_behind, log,
                       Strays::Surroundings{.sole_heir = true,
                                            .held_listeners = [this] { return held; },
                                            .never_served = [](auto) { return false; }});
        reaper.emplace(loop.get(), [this](pid_t pid) { return workers->collect(pid); });
    }
    ~Hall() {
        workers.reset();
        reaper.reset();
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
    }

    std::shared_ptr<const Generation> generation(std::uint32_t id, const std::string& script,
                                                 const std::string& more = "") {
        return prepared(id, read_configuration(
                                configuration(folder.path(), R"({"command": ["/bin/sh", "-c", ")" + script +
                                                                 R"("], "ready": "0s")" + more + "}")));
    }
    const WorkerProcess& spawn(core::WorkerId id, const std::shared_ptr<const Generation>& generation,
                               core::Slot slot = 0) {
        const std::string name = folder.path() + "/" + std::to_string(static_cast<std::uint64_t>(id));
        auto spawned = workers->spawn({.worker = id,
                                       .generation = generation,
                                       .slot = slot,
                                       .notify_socket = name + ".notify",
                                       .ack_socket = name + ".ack",
                                       .descriptor_limit = {256, 256}});
        if (!spawned) FAIL(spawned.error().message);
        return **spawned;
    }
    void until(const std::function<bool()>& condition) { REQUIRE(run_until(loop, condition)); }
    void until_exit(core::WorkerId id) {
        until([&] { return exits.contains(id); });
    }
    std::string log_text() {
        log.flush();
        return read_file(folder.path() + "/log");
    }
};

}  // namespace

TEST_CASE("a worker's exit is told once, after its last words are in the log under its name") {
    Hall hall;
    const pid_t pid = hall.spawn(one, hall.generation(3, "echo last words; exit 7"), 5).pid();
    CHECK(hall.workers->name_of(one) == "worker 5 of generation 3 (pid " + std::to_string(pid) + ")");
    hall.until_exit(one);
    CHECK(hall.exits[one].status == core::ExitStatus{false, 7});
    CHECK_THAT(hall.log_text(), Contains("last words"));
    CHECK(hall.workers->find(one)->last_lines() == std::vector<std::string>{"last words"});
    hall.workers->forget(one);
    hall.until([&] { return hall.workers->find(one) == nullptr; });
    CHECK(hall.workers->pid_of(one) == 0);
    CHECK(hall.workers->name_of(one) == "worker id 1");
}

TEST_CASE("whoever looks need not wait for the loop to hear that a worker has exited") {
    Hall hall;
    const pid_t pid = hall.spawn(one, hall.generation(1, "exit 0")).pid();
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
    hall.workers->look();
    CHECK(hall.exits.contains(one));
}

TEST_CASE("workers of a generation get rows of their own, and a row is free again when its worker is gone") {
    Hall hall;
    const auto generation = hall.generation(1, "sleep 60");
    CHECK(hall.spawn(one, generation).reserved_row() == 0U);
    CHECK(hall.spawn(two, generation).reserved_row() == 1U);
    CHECK(hall.spawn(core::WorkerId{3}, hall.generation(2, "sleep 60")).reserved_row() == 0U);
    hall.workers->find(one)->kill();
    hall.until_exit(one);
    hall.workers->forget(one);
    CHECK(hall.spawn(core::WorkerId{4}, generation).reserved_row() == 0U);
}

TEST_CASE("who could not be killed is no worker any more, and still waited for") {
    Hall hall;
    hall.spawn(one, hall.generation(1, "sleep 60"));
    hall.workers->abandon(one);
    CHECK(hall.workers->is_abandoned(one));
    int in_hand = 0;
    hall.workers->each_in_hand([&](auto, const auto&) { ++in_hand; });
    CHECK(in_hand == 0);
    REQUIRE(::kill(hall.workers->pid_of(one), SIGKILL) == 0);
    hall.until_exit(one);
    hall.workers->forget(one);
    CHECK(hall.workers->find(one) == nullptr);  // whatever it has left
}

TEST_CASE("what a worker leaves in a session of its own is ended, and its worker stays known until then") {
    Hall hall;
    const auto generation = hall.generation(
        1, "trap '' TERM; setsid sh -c 'trap \\\"\\\" TERM; echo here >&2; sleep 60' & sleep 0.2; exit 0");
    hall.spawn(one, generation);
    hall.workers->find(one)->was_ready();
    hall.until_exit(one);
    hall.workers->forget(one);
    REQUIRE(hall.workers->find(one) != nullptr);
    CHECK(hall.workers->ends_leftovers_before(std::nullopt));
    CHECK(hall.workers->ends_leftovers_before(core::GenerationId{2}));
    CHECK_FALSE(hall.workers->ends_leftovers_before(core::GenerationId{1}));
    hall.workers->kill_leftovers();
    hall.until([&] { return hall.workers->find(one) == nullptr; });
    CHECK(hall.leftovers_ended);
    CHECK_FALSE(hall.workers->ends_leftovers_before(std::nullopt));
}

TEST_CASE("a program that cannot be started is an error that names it, and no worker") {
    Hall hall;
    const auto generation = hall.generation(1, "true");
    auto spawned = hall.workers->spawn({.worker = one,
                                        .generation = generation,
                                        .notify_socket = hall.folder.path() + "/no/such/folder/n",
                                        .descriptor_limit = {256, 256}});
    REQUIRE_FALSE(spawned);
    CHECK_THAT(spawned.error().message, Contains("/no/such/folder/n"));
    CHECK(hall.workers->find(one) == nullptr);
}

TEST_CASE("a generation that is released lets its sockets go, whatever its workers have left") {
    Hall hall;
    auto generation = hall.generation(1, "setsid sleep 60 >/dev/null & exit 0");
    const std::weak_ptr<const Generation> watched = generation;
    hall.spawn(one, generation);
    hall.until_exit(one);
    hall.workers->forget(one);
    generation.reset();
    hall.workers->release(core::GenerationId{1});
    CHECK(watched.expired());
    hall.workers->kill_leftovers();
    hall.until([&] { return hall.workers->find(one) == nullptr; });
}

TEST_CASE("a process that sup cannot end is noted with its worker, once, and said with what to do") {
    Hall hall;
    const WorkerProcess& process = hall.spawn(one, hall.generation(2, "sleep 60"), 4);
    const ProcessStat own = *process_stat(::getpid());
    hall.strays->out_of_reach(process, own);
    hall.strays->out_of_reach(process, own);
    REQUIRE(hall.left_behind.all().size() == 1);
    CHECK(hall.left_behind.all()[0].slot == 4);
    CHECK(hall.left_behind.is_out_of_reach(left_process(own)));
    CHECK_THAT(hall.log_text(), Contains("end it as its user or as root"));
    CHECK_FALSE(hall.strays->is_only_of(one, own));
}
