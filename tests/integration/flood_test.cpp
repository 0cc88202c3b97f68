// Workers that talk without end: the master has time for everything else, and still hears what matters.
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

// Sends, writes or connects as fast as it can from the start on, and says what it is ready by a while later.
const std::string flooding = R"(#!/usr/bin/python3
import os, signal, socket, sys, threading, time

kind = sys.argv[1]

def notify(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(text, os.environ["NOTIFY_SOCKET"])

def flood():
    line = b"x" * 60 + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        while True:
            if kind == "notify":
                sender.sendto(b"STATUS=busy", os.environ["NOTIFY_SOCKET"])
            elif kind == "helpers":
                child = os.fork()
                if child == 0:
                    sender.sendto(b"STATUS=busy", os.environ["NOTIFY_SOCKET"])
                    os._exit(0)
                os.waitpid(child, 0)
            elif kind == "fd":
                os.write(9, b"x")
            elif kind == "einhorn-ack":
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
                    peer.connect(os.environ["EINHORN_SOCK_PATH"])
            else:
                os.write(1, line * 100)

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
threading.Thread(target=flood, daemon=True).start()
time.sleep(0.3)
if kind == "fd":
    os.write(9, b"\n")
elif kind == "einhorn-ack":
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.connect(os.environ["EINHORN_SOCK_PATH"])
        peer.sendall(b'{"command":"worker:ack","pid":%d}\n' % os.getpid())
        time.sleep(0.1)
else:
    notify(b"READY=1")
while True:
    time.sleep(1)
)";

// utime and stime, in hundredths of a second.
long ticks_of(pid_t pid) {
    std::istringstream rest(read_file("/proc/" + std::to_string(pid) + "/stat"));
    std::string field;
    long used = 0;
    for (int i = 1; rest >> field && i <= 15; ++i) {
        if (i >= 14) used += std::stol(field);
    }
    return used;
}

}  // namespace

TEST_CASE(
    "a worker that notifies, acknowledges or says ready without end is heard, and costs next to nothing") {
    const auto [kind, ready] = GENERATE(table<std::string, std::string>({{"notify", "notify"},
                                                                         {"helpers", "notify"},
                                                                         {"fd", R"({"fd": 9})"},
                                                                         {"einhorn-ack", "einhorn-ack"}}));
    Config config{.command = {"./flood", kind}, .count = 1, .ready = ready};
    if (kind == "einhorn-ack") config.protocols = {"systemd", "einhorn"};
    Instance instance{config};
    write_file(instance.path("flood"), flooding);
    std::filesystem::permissions(instance.path("flood"), std::filesystem::perms::owner_all);
    instance.start();
    const long before = ticks_of(instance.master());
    std::this_thread::sleep_for(std::chrono::seconds(1));
    CHECK(ticks_of(instance.master()) - before < 30);  // of 100 that one who reads it all would use
    CHECK(instance.reload({"--drained"}).exit_code == 0);
}

TEST_CASE("workers that print as fast as they can hold nothing else up") {
    Instance instance{{.command = {"./flood", "print"}, .count = 8}};
    write_file(instance.path("flood"), flooding);
    std::filesystem::permissions(instance.path("flood"), std::filesystem::perms::owner_all);
    instance.start();
    CHECK(instance.status().state == "running");
    CHECK(instance.reload({"--drained"}).exit_code == 0);
    CHECK(instance.stop().exit_code == 0);
}

TEST_CASE("a stuck log reader is not an outage, and a reload and a stop do not wait for it") {
    Instance instance{
        {.command = {"./flood", "print"}, .count = 1, .log_file = "fifo", .log_format = "json"}};
    write_file(instance.path("flood"), flooding);
    std::filesystem::permissions(instance.path("flood"), std::filesystem::perms::owner_all);
    REQUIRE(::mkfifo(instance.path("fifo").c_str(), 0600) == 0);
    const UniqueFd reader{::open(instance.path("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    instance.start();
    CHECK(instance.reload({"--drained"}).exit_code == 0);
    CHECK(instance.stop().exit_code == 0);
}

}  // namespace sup::test
