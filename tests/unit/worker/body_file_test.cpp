// Bodies as files, and as whatever else a descriptor may be of.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/unique_fd.h"
#include "tests/catch.h"
#include "tests/unit/worker/bodies.h"
#include "tests/unit/worker/captured_log.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/running_server.h"
#include "tests/unit/worker/wire.h"

using namespace std::chrono_literals;
using sup::UniqueFd;
using sup::http::Request;
using sup::http::Response;
using sup::test::CapturedLog;
using sup::test::Client;
using sup::test::contains;
using sup::test::eventually;
using sup::test::RunningServer;

namespace {

std::string content_of(const UniqueFd& file) {
    std::string content(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
    content.resize(static_cast<std::size_t>(::pread(file.get(), content.data(), content.size(), 0)));
    return content;
}

struct Pipe {
    explicit Pipe(int flags = 0) {
        std::array<int, 2> both{-1, -1};
        REQUIRE(::pipe2(both.data(), O_CLOEXEC | flags) == 0);
        read.reset(both[0]);
        write.reset(both[1]);
    }
    UniqueFd read;
    UniqueFd write;
};

// Sends until the server has long taken nothing more; how much it took.
std::size_t send_all_it_takes(Client& client, std::string_view bytes) {
    std::size_t sent = 0;
    for (int idle = 0; idle < 100 && sent < bytes.size(); ++idle) {
        const std::size_t count = client.try_send(bytes.substr(sent));
        if (count > 0) idle = 0;
        sent += count;
        sup::test::pause_briefly();
    }
    return sent;
}

}  // namespace

TEST_CASE("a body is written to a file as it comes, however it comes") {
    const UniqueFd file(::memfd_create("body", MFD_CLOEXEC));
    RunningServer server([&](Request& request, Response) {
        request.save_body(file.get(), 10'000'000, [](int problem, Response& response) {
            response.send(problem == 0 ? 201 : 507, "saved");
        });
    });
    const std::string body = sup::test::pattern(0, 3'000'000);
    Client client(server.address());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body);
    CHECK(client.receive().status == 201);
    CHECK(content_of(file) == body);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n");
    CHECK(client.receive().status == 201);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    CHECK(client.receive().status == 201);
    CHECK(content_of(file) == body + "xyz");
}

TEST_CASE("a body that is too large, or that cannot be written, is reported") {
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const UniqueFd file(::memfd_create("body", MFD_CLOEXEC));
    std::atomic<int> problem = -1;
    RunningServer server([&](Request& request, const Response&) {
        const int where = request.path() == "/full"   ? full.get()
                          : request.path() == "/none" ? -1
                                                      : file.get();
        request.save_body(where, 1000, [&](int met, Response& out) {
            problem = met;
            out.send(507, "");
        });
    });
    const auto post = [&](const std::string& path, std::size_t count) {
        return sup::test::request(server.address(),
                                  "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                      std::to_string(count) + "\r\n\r\n" + std::string(count, 'x'));
    };
    CHECK(post("/", 1001).status == 413);
    CHECK(problem == -1);
    CHECK(post("/full", 1000).status == 507);
    CHECK(problem == ENOSPC);
    CHECK(post("/none", 10).status == 507);
    CHECK(problem == EBADF);
}

TEST_CASE("a body on its way into a pipe that nobody reads is held back, and later arrives whole") {
    const Pipe pipe(GENERATE(0, O_NONBLOCK));
    ::fcntl(pipe.read.get(), F_SETFL, 0);
    const bool answers_first = GENERATE(false, true);
    std::atomic<int> met = -1;
    RunningServer server([&](Request& request, Response response) {
        request.save_body(pipe.write.get(), 1'000'000'000, [&](int problem, Response& out) {
            met = problem;
            if (!answers_first) out.send(201, "");
        });
        if (answers_first) response.send(201, "");
    });
    Client client(server.address());
    const std::string body = sup::test::pattern(0, 24'000'000);
    client.send(sup::test::post_head(body.size()));
    const std::size_t taken = send_all_it_takes(client, body);
    // The kernels' buffers, and less than a megabyte here.
    CHECK(taken < 20'000'000);
    std::string arrived;
    std::thread reads([&] {
        std::array<char, 64 * 1024> space;
        while (arrived.size() < body.size()) {
            const ssize_t count = ::read(pipe.read.get(), space.data(), space.size());
            if (count <= 0) return;
            arrived.append(space.data(), static_cast<std::size_t>(count));
        }
    });
    client.send(std::string_view(body).substr(taken));
    CHECK(client.receive().status == 201);
    reads.join();
    CHECK(arrived == body);
    CHECK(eventually([&] { return met == 0; }));
}

TEST_CASE("a pipe that nobody reads keeps no worker whose client has gone, or whose time is up") {
    const bool leaves = GENERATE(false, true);
    const Pipe pipe;
    std::atomic<bool> told = false;
    std::atomic<int> begun = 0;
    sup::worker::Options life;
    life.drain_timeout = leaves ? 60s : 200ms;
    {
        RunningServer server(
            [&](Request& request, const Response&) {
                ++begun;
                request.save_body(pipe.write.get(), 1'000'000, [&](int, Response&) { told = true; });
            },
            {}, life);
        std::optional<Client> client(server.address());
        client->send(sup::test::post_head(500'000) + std::string(400'000, 'x'));
        REQUIRE(eventually([&] { return begun == 1; }));
        if (leaves) client.reset();
        CHECK(server.exit_code() == 0);
    }
    CHECK_FALSE(told);
}

TEST_CASE("a pipe that nobody reads keeps no worker whose time is up, answered or not, however many write") {
    const Pipe pipe;
    const bool answers_first = GENERATE(false, true);
    std::atomic<int> begun = 0;
    sup::worker::Options life;
    life.drain_timeout = 400ms;
    RunningServer server(
        [&](Request& request, Response response) {
            ++begun;
            request.save_body(pipe.write.get(), 1'000'000, [](int, Response&) {});
            if (answers_first) response.send(202, "");
        },
        {}, life);
    std::vector<Client> clients;
    for (int i = 0; i < 6; ++i) {
        clients.emplace_back(server.address())
            .send(sup::test::post_head(100'000) + std::string(100'000, 'x'));
        if (answers_first) CHECK(clients.back().receive().status == 202);
    }
    REQUIRE(eventually([&] { return begun == 6; }));
    CHECK(server.exit_code() == 0);
}  // ~Worker() waits for no thread of the pool

TEST_CASE("a body may still be saved when its answer has long left and its client has gone") {
    const Pipe pipe;
    std::atomic<int> met = -1;
    std::atomic<bool> over = false;
    sup::http::Options options;
    options.on_finished = [&](const sup::http::Finished&) { over = true; };
    RunningServer server(
        [&](Request& request, Response response) {
            request.save_body(pipe.write.get(), 1'000'000, [&](int problem, Response&) { met = problem; });
            response.send(202, "");
        },
        options);
    const std::string body = sup::test::pattern(0, 200'000);
    {
        Client client(server.address());
        client.send(sup::test::post_head(body.size()) + body);
        CHECK(client.receive().status == 202);
    }
    REQUIRE(eventually([&] { return over.load(); }));
    CHECK(met == -1);
    std::string arrived(body.size(), '\0');
    for (std::size_t count = 0; count < arrived.size();) {
        const ssize_t more = ::read(pipe.read.get(), arrived.data() + count, arrived.size() - count);
        REQUIRE(more > 0);
        count += static_cast<std::size_t>(more);
    }
    CHECK(arrived == body);
    CHECK(eventually([&] { return met == 0; }));
}

TEST_CASE("a reader of the body that has gone is told as a problem, and ends nobody, whatever SIGPIPE does") {
    Pipe pipe;
    std::array<int, 2> both{-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()) == 0);
    const UniqueFd socket(both[0]);
    UniqueFd(both[1]).reset();
    pipe.read.reset();
    const bool into_pipe = GENERATE(false, true);
    std::atomic<int> met = 0;
    const auto before = std::signal(SIGPIPE, SIG_DFL);
    {
        RunningServer server([&](Request& request, const Response&) {
            request.save_body(into_pipe ? pipe.write.get() : socket.get(), 1'000'000,
                              [&](int problem, Response& response) {
                                  met = problem;
                                  response.send(507, "");
                              });
        });
        Client client(server.address());
        client.send(sup::test::post_head(100'000) + std::string(100'000, 'x'));
        CHECK(client.receive().status == 507);
        CHECK(met == EPIPE);
    }
    std::signal(SIGPIPE, before);
}

TEST_CASE("a log that nobody reads any more ends no worker, whatever SIGPIPE does") {
    Pipe pipe;
    const auto before = std::signal(SIGPIPE, SIG_DFL);
    const UniqueFd own(::dup(STDERR_FILENO));
    ::dup2(pipe.write.get(), STDERR_FILENO);
    pipe.read.reset();
    {
        RunningServer server([](Request&, const Response&) { throw std::runtime_error("said to nobody"); });
        Client client(server.address());
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client.receive().status == 500);
    }
    ::dup2(own.get(), STDERR_FILENO);
    std::signal(SIGPIPE, before);
}

TEST_CASE("what is thrown when a body was saved ends its request, whoever else could answer") {
    const bool begins = GENERATE(false, true);
    const CapturedLog log;
    const UniqueFd file(::memfd_create("body", MFD_CLOEXEC));
    std::vector<Response> kept;
    {
        RunningServer server([&](Request& request, Response response) {
            if (begins) response.start(200);
            request.save_body(file.get(), 100,
                              [](int, Response&) { throw std::runtime_error("no more room in the index"); });
            kept.push_back(std::move(response));
        });
        Client client(server.address());
        client.send(sup::test::post_head(4));
        client.send("ab");
        REQUIRE(eventually([&] { return content_of(file) == "ab"; }));
        client.send("cd");
        const auto all = client.receive_to_end();
        REQUIRE(all);
        CHECK(contains(*all, begins ? "200 OK" : "500 Internal Server Error"));
        server.exit_code();
        kept.clear();
    }
    CHECK(contains(log.text(), "no more room in the index"));
}

TEST_CASE("a handler may hold a body back while it is saved") {
    constexpr int pipe_size = 4096;
    const Pipe pipe;
    REQUIRE(::fcntl(pipe.write.get(), F_SETPIPE_SZ, pipe_size) == pipe_size);
    const std::string full(pipe_size, 'x');
    REQUIRE(::write(pipe.write.get(), full.data(), full.size()) == pipe_size);
    const auto read = [&](std::size_t count) {
        std::string bytes(count, '\0');
        REQUIRE(::read(pipe.read.get(), bytes.data(), count) == static_cast<ssize_t>(count));
        return bytes;
    };
    std::optional<Response> kept;
    std::atomic<bool> begun = false;
    std::atomic<bool> held = false;
    RunningServer server([&](Request& request, Response response) {
        begun = true;
        request.save_body(pipe.write.get(), 100, [&](int, Response& out) {
            kept.reset();
            out.send(201, "");
        });
        kept = std::move(response);
    });
    Client client(server.address());
    client.send(sup::test::post_head(4) + "ab");
    REQUIRE(eventually([&] { return begun.load(); }));
    // While it waits for the pipe.
    server.worker().post([&] {
        kept->pause_body();
        held = true;
    });
    REQUIRE(eventually([&] { return held.load(); }));
    CHECK(read(full.size()) == full);
    CHECK(read(2) == "ab");
    client.send("cd");
    CHECK_FALSE(client.has_bytes(300));
    server.worker().post([&] { kept->resume_body(); });
    CHECK(client.receive().status == 201);
    CHECK(read(2) == "cd");
}
