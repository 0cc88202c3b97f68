// Which threads may answer, and how.
#include "sup/http/reply.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/worker/captured_log.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/running_server.h"
#include "tests/unit/worker/wire.h"

using sup::http::Reply;
using sup::http::Request;
using sup::http::Response;
using sup::test::CapturedLog;
using sup::test::Client;
using sup::test::contains;
using sup::test::eventually;
using sup::test::get;
using sup::test::RunningServer;
using sup::test::Wire;

namespace {

// Replies on their way to other threads.
class Jobs {
public:
    void put(Reply reply) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(reply));
        changed_.notify_one();
    }
    // Nothing once it was closed.
    std::optional<Reply> take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
        if (waiting_.empty()) return std::nullopt;
        Reply reply = std::move(waiting_.back());
        waiting_.pop_back();
        return reply;
    }
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Reply> waiting_;
    bool closed_ = false;
};

struct Death {
    int signal = 0;  // 0: it lived
    std::string log;
};

// What comes of `body` in a process of its own.
Death death_of(const std::function<void()>& body) {
    const CapturedLog log;
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        body();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFSIGNALED(status) ? WTERMSIG(status) : 0, log.text()};
}

}  // namespace

TEST_CASE("a Response that is touched on another thread ends the worker with one sentence") {
    using Use = std::function<void(Response&)>;
    const auto [name, use] = GENERATE(table<std::string, Use>({
        {"Response::send", [](Response& r) { r.send(200, "x"); }},
        {"Response::start", [](Response& r) { r.start(200); }},
        {"Response::write", [](Response& r) { r.write("x"); }},
        {"Response::end", [](Response& r) { r.end(); }},
        {"Response::header", [](Response& r) { r.header("X", "1"); }},
        {"Response::inform", [](Response& r) { r.inform(103, {}); }},
        {"Response::open", [](Response& r) { r.open(); }},
        {"Response::abort", [](Response& r) { r.abort(); }},
        {"Response::close_after", [](Response& r) { r.close_after(); }},
        {"Response::pause_body", [](Response& r) { r.pause_body(); }},
        {"Response::resume_body", [](Response& r) { r.resume_body(); }},
        {"Response::on_gone", [](Response& r) { r.on_gone([] {}); }},
        {"Response::on_writable", [](Response& r) { r.on_writable([](Response&) {}); }},
        {"Response::on_half_closed", [](Response& r) { r.on_half_closed([](Response&) {}); }},
        {"Response::request", [](Response& r) { r.request(); }},
        {"Response::detach", [](Response& r) { std::move(r).detach(); }},
        {"copying a Response", [](Response& r) { const Response copy(r); }},
        {"moving a Response", [](Response& r) { const Response moved(std::move(r)); }},
    }));
    const Death death = death_of([&, use = use] {
        Wire wire([&](const Request&, Response response) { std::thread([&] { use(response); }).join(); });
        wire.give(get("/"));
    });
    CHECK(death.signal == SIGABRT);
    CHECK(contains(death.log, name + " was called on a different thread"));
    CHECK(contains(death.log, "Response::detach()"));
}

TEST_CASE("a Response that is dropped on another thread, and a Request that is read there, end it, too") {
    const Death dropped = death_of([] {
        std::optional<Response> kept;
        Wire wire([&](const Request&, const Response& response) { kept = response; });
        wire.give(get("/"));
        std::thread([&] { kept.reset(); }).join();
    });
    CHECK(dropped.signal == SIGABRT);
    CHECK(contains(dropped.log, "dropping a Response"));
    const Death read = death_of([] {
        Wire wire([](Request& request, const Response&) { std::thread([&] { request.path(); }).join(); });
        wire.give(get("/"));
    });
    CHECK(read.signal == SIGABRT);
    CHECK(contains(read.log, "Request::path"));
}

TEST_CASE("another thread answers by a Reply, or drops it, and the client has its answer") {
    Jobs jobs;
    RunningServer server([&](Request&, Response response) {
        response.header("X-Loop", "1");
        jobs.put(std::move(response).detach());
    });
    auto other = std::async(std::launch::async, [&] {
        auto reply = jobs.take();
        std::map<std::string, bool> said{{"gone", reply->gone()},
                                         {"header", reply->header("X-Thread", "2")},
                                         {"the library's header", reply->header("Connection", "close")},
                                         {"send", reply->send(201, "made")}};
        said["send again"] = reply->send(200, "again");
        said["late header"] = reply->header("X-Late", "3");
        jobs.take().reset();
        auto wrong = jobs.take();
        said["no status"] = wrong->send(42, "no status");
        return said;
    });
    Client client(server.address());
    client.send(get("/"));
    const auto made = client.receive();
    CHECK(made.status == 201);
    CHECK(made.body == "made");
    CHECK(contains(made.head, "X-Loop: 1\r\n"));
    CHECK(contains(made.head, "X-Thread: 2\r\n"));
    client.send(get("/"));
    CHECK(client.receive().status == 500);
    client.send(get("/"));
    CHECK(client.receive().status == 500);
    CHECK(other.get() == std::map<std::string, bool>{{"gone", false},
                                                     {"header", true},
                                                     {"the library's header", false},
                                                     {"send", true},
                                                     {"send again", false},
                                                     {"late header", false},
                                                     {"no status", false}});
}

TEST_CASE("a Reply knows that its client has gone, and does nothing after that") {
    Jobs jobs;
    RunningServer server([&](Request&, Response response) { jobs.put(std::move(response).detach()); });
    std::optional<Reply> reply;
    {
        Client client(server.address());
        client.send(get("/"));
        reply = jobs.take();
        CHECK_FALSE(reply->gone());
        // With a reset, which a worker hears of while a handler takes its time.
        const linger at_once{1, 0};
        ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    CHECK(eventually([&] { return reply->gone(); }));
    CHECK_FALSE(reply->send(200, "nobody"));
}

TEST_CASE("a Reply outlives its worker, and then does nothing") {
    Jobs jobs;
    std::vector<Reply> kept;
    {
        sup::worker::Options life;
        life.drain_timeout = std::chrono::milliseconds(50);
        RunningServer server([&](Request&, Response response) { jobs.put(std::move(response).detach()); }, {},
                             life);
        Client client(server.address());
        client.send(get("/"));
        Client second(server.address());
        second.send(get("/"));
        kept.push_back(*jobs.take());
        kept.push_back(*jobs.take());
        server.exit_code();
        CHECK_FALSE(kept[0].send(200, "too late"));
    }
    CHECK(kept[1].gone());
    CHECK_FALSE(kept[1].send(200, "too late"));
    kept.clear();
}

TEST_CASE("many threads answer while clients come and go, and the worker drains and is destroyed") {
    constexpr int threads = 4;
    constexpr int clients = 8;
    Jobs jobs;
    std::vector<std::thread> answering;
    for (int i = 0; i < threads; ++i) {
        answering.emplace_back([&jobs, i] {
            for (int n = 0; auto reply = jobs.take(); ++n) {
                if ((n + i) % 5 == 0) continue;
                reply->header("X-N", std::to_string(n));
                reply->send(200, std::to_string(n));
            }
        });
    }
    std::atomic<int> answered = 0;
    {
        sup::worker::Options life;
        life.drain_timeout = std::chrono::milliseconds(500);
        RunningServer server([&](Request&, Response response) { jobs.put(std::move(response).detach()); }, {},
                             life);
        std::vector<std::thread> asking;
        for (int i = 0; i < clients; ++i) {
            asking.emplace_back([&, i] {
                for (int n = 0; n < 30; ++n) {
                    Client client(server.address());
                    client.send(get("/"));
                    if ((n + i) % 3 == 0) continue;  // gone before its answer
                    if (client.receive().status != 0) ++answered;
                }
            });
        }
        for (std::thread& one : asking) one.join();
        Client last(server.address());
        last.send(get("/") + get("/") + get("/"));
    }
    jobs.close();
    for (std::thread& one : answering) one.join();
    CHECK(answered == clients * 20);
}
