// What other threads may do with a worker, and what they are stopped from doing.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.h"
#include "sup/connections.h"
#include "sup/http/server.h"
#include "sup/worker.h"
#include "tests/catch.h"
#include "tests/unit/worker/captured_log.h"
#include "worker/lifecycle/internals.h"

using sup::worker::Core;
using sup::worker::Drain;
using sup::worker::Internals;
using sup::worker::Mailbox;
using sup::worker::Options;
using sup::worker::Worker;
using namespace std::chrono_literals;

namespace {

Options by_hand() {
    Options options;
    options.handle_signals = false;
    return options;
}

// A worker that a thread of its own runs.
class Running {
public:
    explicit Running(Worker& worker) : thread_([this, &worker] { exit_code_ = worker.run(); }) {}
    ~Running() { join(); }
    int join() {
        if (thread_.joinable()) thread_.join();
        return exit_code_;
    }

private:
    int exit_code_ = -1;
    std::thread thread_;
};

struct Outcome {
    int signal = 0;
    std::string said;
};

Outcome in_child(const std::function<void()>& what) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);  // not a failure of the test
        ::alarm(20);
        ::dup2(ends[1], STDERR_FILENO);
        what();
        ::_exit(0);
    }
    const sup::UniqueFd reader{ends[0]};
    sup::UniqueFd{ends[1]}.reset();
    Outcome outcome;
    std::array<char, 1024> text{};
    for (ssize_t size = 0; (size = ::read(reader.get(), text.data(), text.size())) > 0;)
        outcome.said.append(text.data(), static_cast<std::size_t>(size));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return outcome;
}

// Adds one when it goes, and remembers in which thread.
struct Mark {
    explicit Mark(std::atomic<int>& gone) : gone_(gone) {}
    ~Mark() { ++gone_; }
    std::atomic<int>& gone_;
};

}  // namespace

TEST_CASE("tasks that several threads post run in the loop, each thread's in its order") {
    constexpr int threads = 4;
    constexpr int each = 2000;
    Worker worker(by_hand());
    std::vector<std::vector<int>> seen(threads);
    std::atomic<int> ran = 0;
    std::atomic<bool> all_taken = true;
    std::optional<std::thread::id> loop;
    bool in_loop = true;
    {
        worker.post([&] { loop = std::this_thread::get_id(); });
        Running running(worker);
        std::vector<std::thread> all;
        for (int t = 0; t < threads; ++t) {
            all.emplace_back([&, t] {
                for (int i = 0; i < each; ++i) {
                    all_taken = worker.post([&, t, i] {
                        seen[static_cast<std::size_t>(t)].push_back(i);
                        in_loop = in_loop && loop == std::this_thread::get_id();
                        if (++ran == threads * each) worker.drain();
                    }) && all_taken;
                }
            });
        }
        for (std::thread& one : all) one.join();
        CHECK(running.join() == 0);
    }
    CHECK(all_taken);
    CHECK(in_loop);
    for (const auto& order : seen) {
        REQUIRE(order.size() == each);
        CHECK(std::is_sorted(order.begin(), order.end()));
    }
}

TEST_CASE("a mailbox takes every task or says no, while the worker runs, drains, ends and is destroyed") {
    std::atomic<int> taken = 0;
    std::atomic<int> refused = 0;
    std::atomic<int> ran = 0;
    std::atomic<int> destroyed = 0;
    std::atomic<bool> enough = false;
    std::vector<std::thread> all;
    {
        Worker worker(by_hand());
        const std::shared_ptr<Mailbox> mailbox = Internals::core(worker).mailbox();
        for (int t = 0; t < 4; ++t) {
            all.emplace_back([&, mailbox] {
                while (!enough) {
                    const auto mark = std::make_shared<Mark>(destroyed);
                    ++(mailbox->post([&ran, mark] { ++ran; }) ? taken : refused);
                }
            });
        }
        Running running(worker);
        while (ran < 1000) std::this_thread::yield();
        worker.drain();
        CHECK(running.join() == 0);
        CHECK_FALSE(worker.post([] {}));
    }
    while (refused < 1000) std::this_thread::yield();
    enough = true;
    for (std::thread& one : all) one.join();
    CHECK(ran == taken);
    CHECK(destroyed == taken + refused);
}

TEST_CASE("what is posted to a worker that never runs is destroyed with it, and does not run") {
    std::atomic<int> destroyed = 0;
    bool ran = false;
    {
        Worker worker(by_hand());
        const auto mark = std::make_shared<Mark>(destroyed);
        CHECK(worker.post([&ran, mark] { ran = true; }));
    }
    CHECK_FALSE(ran);
    CHECK(destroyed == 1);
}

TEST_CASE("what a task throws is logged, made safe to print, and costs nothing else") {
    const Outcome outcome = in_child([] {
        Worker worker(by_hand());
        worker.post([] { throw std::runtime_error("bad\x1b[31m"); });
        worker.post([] { throw 4; });
        worker.post([&worker] { worker.drain(); });
        if (worker.run() != 0) ::abort();
    });
    CHECK(outcome.signal == 0);
    CHECK(outcome.said.find("a task given to Worker::post threw: bad\\x1b[31m\n") != std::string::npos);
    CHECK(outcome.said.find("threw: something that is not a std::exception\n") != std::string::npos);
}

TEST_CASE("offloaded work runs on another thread, and what follows gets its value in the loop") {
    Worker worker(by_hand());
    const auto loop = std::this_thread::get_id();
    std::thread::id worked;
    std::thread::id followed;
    int value = 0;
    worker.offload(
        [&worked, only = std::make_unique<int>(42)] {
            worked = std::this_thread::get_id();
            return std::make_unique<int>(*only);
        },
        [&](std::unique_ptr<int> result) {
            followed = std::this_thread::get_id();
            value = *result;
            worker.drain();
        });
    CHECK(worker.run() == 0);
    CHECK(value == 42);
    CHECK(worked != loop);
    CHECK(followed == loop);
}

TEST_CASE("work that throws is logged, and its callback is dropped in the loop without being called") {
    const Outcome outcome = in_child([] {
        Worker worker(by_hand());
        std::atomic<int> destroyed = 0;
        bool called = false;
        const auto mark = std::make_shared<Mark>(destroyed);
        worker.offload([] { throw std::runtime_error("no\nspace"); },
                       [&called, one = mark] { called = true; });
        worker.offload([] { return std::string("more"); },
                       [](const std::string& text) { throw std::runtime_error(text); });
        worker.drain();
        if (worker.run() != 0 || called || mark.use_count() != 1) ::abort();
    });
    CHECK(outcome.signal == 0);
    CHECK(outcome.said.find("work given to Worker::offload threw: no\\x0aspace\n") != std::string::npos);
    CHECK(outcome.said.find("the callback of work given to Worker::offload threw: more\n") !=
          std::string::npos);
}

TEST_CASE("the drain waits for offloaded work, up to its deadline") {
    Options options = by_hand();
    options.drain_timeout = 20s;
    Worker worker(options);
    bool followed = false;
    std::promise<void> go;
    worker.offload([wait = go.get_future().share()] { wait.wait(); }, [&] { followed = true; });
    worker.on_drain([&go](const Drain&) { go.set_value(); });
    worker.drain();
    CHECK(worker.run() == 0);
    CHECK(followed);
}

TEST_CASE("work that outlasts the drain keeps run() no longer than its deadline, and is not followed") {
    const sup::test::CapturedLog log;
    std::promise<void> go;
    bool followed = false;
    bool destroyed_early = true;
    std::thread later;
    {
        Options options = by_hand();
        options.drain_timeout = 100ms;
        Worker worker(options);
        worker.offload([wait = go.get_future().share()] { wait.wait(); }, [&] { followed = true; });
        worker.drain();
        CHECK(worker.run() == 0);
        later = std::thread([&] {
            std::this_thread::sleep_for(50ms);
            destroyed_early = false;
            go.set_value();
        });
    }
    CHECK_FALSE(destroyed_early);
    later.join();
    CHECK_FALSE(followed);
    CHECK(log.text().find("open handles") == std::string::npos);
}

TEST_CASE("every callback learns of the drain once, even one that is set when it has begun") {
    Options options = by_hand();
    options.drain_timeout = 20s;
    Worker worker(options);
    std::vector<Drain> told;
    worker.on_drain([&](const Drain& drain) {
        told.push_back(drain);
        worker.on_drain([&](const Drain& again) { told.push_back(again); });
    });
    worker.on_drain([](const Drain&) { throw std::runtime_error("not the others' trouble"); });
    worker.on_drain([&](const Drain& drain) { told.push_back(drain); });
    worker.drain();
    CHECK(worker.run() == 0);
    REQUIRE(told.size() == 3);
    for (const Drain& drain : told) {
        CHECK(drain.left > 1s);
        CHECK(drain.left <= 20s);
        CHECK_FALSE(drain.successor);
    }
}

TEST_CASE("under sup a drain without another word means that a successor is there") {
    const Outcome outcome = in_child([] {
        ::setenv("SUP_INSTANCE", "app", 1);
        Options options = by_hand();
        options.listen = {"127.0.0.1:0"};
        Worker worker(options);
        std::optional<bool> successor;
        worker.on_drain([&](const Drain& drain) { successor = drain.successor; });
        worker.drain();
        if (worker.run() != 0 || successor != true) ::abort();
    });
    CAPTURE(outcome.said);
    CHECK(outcome.signal == 0);
}

TEST_CASE("what belongs to the loop aborts on another thread, and says what to do instead") {
    using sup::http::Server;
    using sup::worker::Connection;
    using sup::worker::Connections;
    struct Things {
        Worker worker{by_hand()};
        Connection connection;
        Connections connections{
            worker, {"test/1"}, {.arrived = [this](Connection arrived) { connection = std::move(arrived); }}};
        Server server{worker, [](sup::http::Request&, const sup::http::Response&) {}};
    };
    const std::vector<std::pair<std::string, std::function<void(Things&)>>> calls = {
        {"Worker::ready", [](Things& all) { all.worker.ready(); }},
        {"Worker::status", [](Things& all) { all.worker.status("x"); }},
        {"Worker::draining", [](Things& all) { all.worker.draining(); }},
        {"Worker::on_drain", [](Things& all) { all.worker.on_drain([](const Drain&) {}); }},
        {"Worker::offload", [](Things& all) { all.worker.offload([] {}, [] {}); }},
        {"Worker::loop", [](Things& all) { all.worker.loop(); }},
        {"Connection::socket", [](Things& all) { all.connection.socket(); }},
        {"Connection::listener", [](Things& all) { all.connection.listener(); }},
        {"Connection::fresh", [](Things& all) { all.connection.fresh(); }},
        {"Connection::take_unread", [](Things& all) { all.connection.take_unread(); }},
        {"Connection::take_state", [](Things& all) { all.connection.take_state(); }},
        {"Connection::state_version", [](Things& all) { all.connection.state_version(); }},
        {"Connection::moves_on", [](Things& all) { all.connection.moves_on(); }},
        {"Connection::hand_over", [](Things& all) { all.connection.hand_over(); }},
        {"Connection::put_back", [](Things& all) { all.connection.put_back(); }},
        {"Connection::close", [](Things& all) { all.connection.close(); }},
        {"Connection::answered", [](Things& all) { all.connection.answered(); }},
        {"moving a Connection", [](Things& all) { const Connection other = std::move(all.connection); }},
        {"moving a Connection",
         [](Things& all) {
             Connection other;
             other = std::move(all.connection);
         }},
        {"Connections::open", [](Things& all) { all.connections.open(); }},
        {"Connections::Connections",
         [](Things& all) { const Connections other(all.worker, {"other/1"}, {}); }},
        {"Server::Server",
         [](Things& all) {
             const Server other(all.worker, [](sup::http::Request&, const sup::http::Response&) {});
         }},
        {"Server::connections", [](Things& all) { all.server.connections(); }},
        {"Server::requests", [](Things& all) { all.server.requests(); }},
        {"Server::unanswered", [](Things& all) { all.server.unanswered(); }},
        {"~Server", [](Things& all) { all.server.~Server(); }},
        {"~Connections", [](Things& all) { all.connections.~Connections(); }},
    };
    for (const auto& [name, call] : calls) {
        INFO(name);
        const Outcome outcome = in_child([&call = call] {
            Things all;
            const std::string listener = "listen0";
            Internals::core(all.connections)->adopt(sup::UniqueFd(::dup(STDERR_FILENO)), listener, {}, {});
            if (all.connections.open() != 1) ::_exit(1);
            std::thread([&] { call(all); }).join();
        });
        CHECK(outcome.signal == SIGABRT);
        CHECK(outcome.said.find(name + " was called on a different thread") != std::string::npos);
        CHECK(outcome.said.find("Worker::post()") != std::string::npos);
    }
}

TEST_CASE("what never changes may be asked for on any thread") {
    const Worker worker(by_hand());
    unsigned generation = 42;
    std::size_t listeners = 42;
    std::thread([&] {
        generation = worker.generation();
        listeners = worker.listeners().size();
    }).join();
    CHECK(generation == 0);
    CHECK(listeners == 0);
}

TEST_CASE("a job that ends costs as much among many as among few") {
    constexpr int many = 200'000;
    Worker worker(by_hand());
    int followed = 0;
    for (int i = 0; i < many; ++i) worker.offload([] {}, [&] { ++followed; });
    worker.drain();
    const auto used = [] {
        timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    };
    const auto before = used();
    CHECK(worker.run() == 0);
    CHECK(used() - before < 10s);  // of this thread's own; a search for each takes minutes
    CHECK(followed == many);
}
