#include "master/notify/output_capture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "master/notify/output_pipe.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using namespace std::chrono_literals;

namespace {

struct Captured {
    uv::Loop loop;
    bool full = false;  // the log
    OutputTurns turns{loop.get(), {[this] { return full; }, [] {}}};
    std::unique_ptr<OutputCapture> capture;
    std::vector<std::pair<OutputStream, std::string>> lines;
    int closed = 0;
    pid_t pid = 0;
    bool ended = false;

    // `third` becomes its descriptor 3.
    explicit Captured(const std::string& script, int third = -1) {
        auto opened = OutputCapture::open(
            loop.get(), turns, std::nullopt,
            {[this](OutputStream stream, std::string_view line) { lines.emplace_back(stream, line); },
             [this] { ++closed; }});
        REQUIRE(opened);
        capture = std::move(*opened);
        Command worker = command({"/bin/sh", "-c", script});
        if (third >= 0) worker.listeners.push_back(third);
        const auto spawned = spawn(worker.request(capture->worker_end(OutputStream::standard_output),
                                                  capture->worker_end(OutputStream::standard_error)));
        REQUIRE(spawned);
        capture->close_worker_ends();
        pid = spawned->pid;
    }
    ~Captured() { end(); }

    // Ends the worker and what it left in its group, if that was not done yet.
    void end() {
        if (ended) return;
        ::kill(-pid, SIGKILL);
        wait();
    }
    // Its last words have been read.
    bool finish() {
        bool read = false;
        capture->finish([&] { read = true; });
        return run_until(loop, [&] { return read; });
    }
    void wait() {
        ended = true;
        wait_for_exit(pid);
    }

    std::vector<std::string> texts() const {
        std::vector<std::string> list;
        for (const auto& [stream, text] : lines) list.push_back(text);
        return list;
    }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("both streams arrive line by line while the worker lives") {
    Captured worker("echo one; echo two >&2; exec sleep 1000");
    REQUIRE(run_until(worker.loop, [&] { return worker.lines.size() == 2; }));
    for (const auto& [stream, text] : worker.lines) {
        CHECK(text == (stream == OutputStream::standard_output ? "one" : "two"));
    }
    CHECK(worker.closed == 0);
    worker.end();
    REQUIRE(worker.finish());
    REQUIRE(run_until(worker.loop, [&] { return worker.closed == 1; }));
}

TEST_CASE("everything that a worker wrote is there when its exit is finished, also a line without an end") {
    Captured worker("seq 1 5000; echo last words >&2; printf unfinished; exit 3");
    worker.wait();
    CHECK(worker.lines.empty());
    REQUIRE(worker.finish());
    REQUIRE(worker.lines.size() == 5002);
    CHECK(worker.lines[4999].second == "5000");
    CHECK(worker.lines[5000].second == "unfinished");
    CHECK(worker.lines[5001].second == "last words");
    const auto last = worker.capture->last_lines();
    REQUIRE(last.size() == LastLines::max_lines);
    CHECK(last.back() == "last words");
    run_until(worker.loop, [&] { return worker.closed == 1; });
    CHECK(worker.closed == 1);
}

TEST_CASE("a pipe that everybody has left is not read again") {
    Captured worker("echo done; exec >&- 2>&-; sleep 1000");
    REQUIRE(run_until(worker.loop, [&] { return worker.lines.size() == 1; }));
    // Nothing is left to wait for, so the loop ends by itself; a pipe that spins would keep it running.
    worker.loop.run();
    CHECK(worker.closed == 0);
    worker.end();
    REQUIRE(worker.finish());
    CHECK(worker.closed == 1);
    REQUIRE(worker.finish());
    CHECK(worker.closed == 1);
}

TEST_CASE("a descendant that still holds the pipe is heard after the worker is gone") {
    Pipe gate = make_pipe();
    Captured worker("(read line <&3; echo heard $line) & printf half", gate.reader.get());
    worker.wait();
    REQUIRE(worker.finish());
    CHECK(worker.texts() == Strings{"half"});
    CHECK(worker.closed == 0);
    REQUIRE(::write(gate.writer.get(), "me\n", 3) == 3);
    REQUIRE(run_until(worker.loop, [&] { return worker.closed == 1; }));
    CHECK(worker.texts() == Strings{"half", "heard me"});
}

TEST_CASE("a worker outlives its reader: neither SIGPIPE nor a full pipe stops it below the pipe's size") {
    auto pipe = open_output_pipe(std::nullopt);
    REQUIRE(pipe);
    const int size = ::fcntl(pipe->reader.get(), F_GETPIPE_SZ);
    const std::string bytes = std::to_string(size - 1);
    Pipe said = make_pipe();
    // What it prints goes to a pipe whose reader is gone; how that went comes through the other one.
    const Command worker = command({"/bin/sh", "-c", "head -c " + bytes + " /dev/zero && echo survived >&2"});
    const auto spawned = spawn(worker.request(pipe->worker_end.get(), said.writer.get()));
    REQUIRE(spawned);
    pipe->worker_end.reset();
    pipe->reader.reset();
    said.writer.reset();
    CHECK(read_to_end(said.reader.get()) == "survived\n");
    CHECK(wait_for_exit(spawned->pid) == 0);
}

TEST_CASE("the pipe is as large as promised where the kernel allows it, and its flags are its own") {
    auto pipe = open_output_pipe(std::nullopt);
    REQUIRE(pipe);
    if (::geteuid() == 0) CHECK(::fcntl(pipe->reader.get(), F_GETPIPE_SZ) == 1024 * 1024);
    CHECK((::fcntl(pipe->reader.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(pipe->worker_end.get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(pipe->worker_end.get(), F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK((::fcntl(pipe->worker_end.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("the pipe belongs to the worker's user, who may open it again") {
    if (::geteuid() != 0) return skip("only root can give a pipe away");
    auto pipe = open_output_pipe(Owner{65534, 65534});
    REQUIRE(pipe);
    struct stat status {};
    REQUIRE(::fstat(pipe->worker_end.get(), &status) == 0);
    CHECK(status.st_uid == 65534);
    CHECK(status.st_gid == 65534);
}

TEST_CASE("while no descriptor is free it is not known whether a pipe is full, and nothing is given up") {
    Captured captured("echo waits; exec sleep 100");
    captured.full = true;
    captured.turns.set_wait(1ms);
    captured.capture->set_patient(true);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlimit none{0, limit.rlim_max};
    bool over = false;
    uv::Timer timer(captured.loop.get(), [&] { over = true; });
    timer.arm(1'000ms);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    run_until(captured.loop, [&] { return over; });
    ::setrlimit(RLIMIT_NOFILE, &limit);
    CHECK(over);
    CHECK(captured.lines.empty());
    captured.full = false;
    captured.turns.resume();
    CHECK(run_until(captured.loop, [&] { return !captured.lines.empty(); }));
}

TEST_CASE("output is made safe, and a worker that floods does not stop the loop") {
    Captured worker("printf '\\033[31mred\\n'; while :; do echo flood; done");
    bool other_work_done = false;
    uv::Timer timer(worker.loop.get(), [&] { other_work_done = true; });
    timer.arm(Duration{50});
    REQUIRE(run_until(worker.loop, [&] { return other_work_done && !worker.lines.empty(); }));
    CHECK(worker.lines.front().second == "\\x1b[31mred");
    worker.end();
    REQUIRE(worker.finish());
    CHECK(run_until(worker.loop, [&] { return worker.closed == 1; }));
}

TEST_CASE("on_closed may destroy the capture, from the loop and from finish() and finish_now()") {
    enum class From { loop, finish, finish_now };
    for (const From from : {From::loop, From::finish, From::finish_now}) {
        uv::Loop loop;
        std::unique_ptr<OutputCapture> capture;
        bool closed = false;
        OutputTurns turns{loop.get(), {[] { return false; }, [] {}}};
        auto opened = OutputCapture::open(loop.get(), turns, std::nullopt,
                                          {[](OutputStream, std::string_view) {},
                                           [&] {
                                               capture.reset();
                                               closed = true;
                                           }});
        REQUIRE(opened);
        capture = std::move(*opened);
        if (from == From::loop) capture->finish([] {});
        capture->close_worker_ends();
        if (from != From::loop) capture->finish([] {});
        if (from == From::finish_now) {
            capture->finish_now();
            CHECK(closed);
        }
        CHECK(run_until(loop, [&] { return closed; }));
    }
}
