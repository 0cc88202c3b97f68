// Connections under load while everything goes wrong at random. A failure prints its seed:
// SUP_TEST_SEED=… runs the same faults again, SUP_TEST_CHAOS=60 for that many seconds.
#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/kept_clients.h"

namespace sup::test {

namespace {

using Clock = std::chrono::steady_clock;

unsigned long number_from(const char* variable, unsigned long otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

class Chaos {
public:
    Chaos(Instance& instance, unsigned long seed) : instance_(instance), random_(seed) {}

    void one_fault() {
        switch (pick(10)) {
            case 0:
            case 1:
            case 2:
            case 3: reload(); break;
            case 4:
            case 5: kill_a_worker(); break;
            case 6: stop_a_worker_for_a_moment(); break;
            case 7: take_descriptors_from_a_worker(); break;
            case 8: ::kill(instance_.master(), pick(2) == 0 ? SIGTTIN : SIGTTOU); break;
            case 9: fail_a_reload(); break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(pick(60)));
    }

    // What was killed cannot have kept its connections; nothing else may lose one.
    std::uint64_t may_be_lost() const { return may_be_lost_; }
    std::string story() const {
        return std::to_string(reloads_.size()) + " reloads, " + std::to_string(killed_) +
               " workers killed (" + std::to_string(may_be_lost_) + " connections)";
    }

    void end() {
        for (Child& reload : reloads_) {
            const Outcome outcome = reload.wait(2 * patience);
            INFO(outcome.text());
            // A reload fails when its worker was killed before it was ready.
            CHECK((outcome.exit_code == 0 || outcome.exit_code == 1));
        }
    }

private:
    unsigned pick(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(random_); }

    // One that serves or drains; nothing when there is none at this moment.
    std::optional<WorkerStatus> a_worker() {
        std::vector<WorkerStatus> all;
        for (const auto& generation : instance_.status().generations) {
            for (const auto& worker : generation.workers)
                if (worker.pid > 0) all.push_back(worker);
        }
        if (all.empty()) return std::nullopt;
        return all[pick(static_cast<unsigned>(all.size()))];
    }

    static bool freeze(pid_t pid) {
        ::kill(pid, SIGSTOP);
        return eventually([&] { return !proc::alive(pid) || proc::stat(pid)->state == 'T'; }) &&
               proc::alive(pid);
    }

    void reload() {
        if (reloads_.size() < 200)
            reloads_.emplace_back(instance_.sandbox()->command({"reload", instance_.config.name}));
    }

    // It is stopped first, so that what it says it holds is what is lost with it, but for the one connection
    // that it was about to count.
    void kill_a_worker() {
        const auto victim = a_worker();
        if (!victim || !freeze(victim->pid)) return;
        for (const auto& generation : instance_.status().generations) {
            for (const auto& worker : generation.workers) {
                if (worker.pid != victim->pid) continue;
                may_be_lost_ += worker.connections.value_or(0) + 1;
                ++killed_;
            }
        }
        ::kill(victim->pid, SIGKILL);
    }

    void stop_a_worker_for_a_moment() {
        const auto worker = a_worker();
        if (!worker) return;
        ::kill(worker->pid, SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds(pick(300)));
        ::kill(worker->pid, SIGCONT);
    }

    void take_descriptors_from_a_worker() {
        const auto worker = a_worker();
        if (!worker) return;
        rlimit before{};
        const rlimit few{proc::descriptors(worker->pid).size() + pick(3), 4096};
        if (::prlimit(worker->pid, RLIMIT_NOFILE, nullptr, &before) != 0) return;
        const rlimit lowered{few.rlim_cur, before.rlim_max};
        ::prlimit(worker->pid, RLIMIT_NOFILE, &lowered, nullptr);
        reload();
        std::this_thread::sleep_for(std::chrono::milliseconds(pick(200)));
        ::prlimit(worker->pid, RLIMIT_NOFILE, &before, nullptr);
    }

    void fail_a_reload() {
        const std::vector<std::string> command = instance_.config.command;
        instance_.config.command = {"./worker", "--fail-start"};
        instance_.write_config();
        instance_.reload();
        instance_.config.command = command;
        instance_.write_config();
    }

    Instance& instance_;
    std::mt19937_64 random_;
    std::vector<Child> reloads_;
    std::uint64_t may_be_lost_ = 0;
    unsigned killed_ = 0;
};

}  // namespace

TEST_CASE(
    "in chaos under load nothing is lost but the connections of the killed, nothing hangs, nothing leaks") {
    const unsigned long seed = number_from("SUP_TEST_SEED", std::random_device{}());
    const std::chrono::seconds duration(number_from("SUP_TEST_CHAOS", 10));
    std::cout << "chaos: SUP_TEST_SEED=" << seed << std::endl;
    INFO("SUP_TEST_SEED=" << seed);
    Instance instance{{.count = 3, .min_uptime = "1ms", .backoff_min = "1ms", .backoff_max = "50ms"}};
    instance.start();
    const auto descriptors_before = proc::descriptors(instance.master()).size();

    KeptClients gets(instance.port(), {.clients = 32, .think = "2ms"});
    KeptClients posts(instance.port(), {.clients = 16, .think = "2ms", .body = 3000});
    instance.wait_for("all clients connected",
                      [](const InstanceStatus& now) { return now.active()->connections() == 48; });
    Chaos chaos(instance, seed);
    for (const auto end = Clock::now() + duration; Clock::now() < end;) chaos.one_fault();
    chaos.end();
    const InstanceStatus now = instance.wait_until_settled();

    const KeptReport get_report = gets.stop();
    const KeptReport post_report = posts.stop();
    std::cout << "chaos: " << chaos.story() << "; GET " << get_report.text << "; POST " << post_report.text
              << std::endl;
    INFO("GET " << get_report.text << "\nPOST " << post_report.text);
    CHECK(get_report.timed_out + post_report.timed_out == 0);
    CHECK(get_report.announced + post_report.announced == 0);
    CHECK(get_report.failed + post_report.failed <= chaos.may_be_lost());
    CHECK(get_report.closed + post_report.closed <= chaos.may_be_lost());

    instance.wait_for("no connection", [](const InstanceStatus& status) {
        return status.settled() && status.active()->connections() == 0;
    });
    // Each worker costs the master some; this many are not a leak of one a reload.
    const auto workers_more = now.generations[0].workers.size();
    CHECK(proc::descriptors(instance.master()).size() <= descriptors_before + 8 * workers_more);
}

}  // namespace sup::test
