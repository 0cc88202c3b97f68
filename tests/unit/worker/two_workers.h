// An old worker and its successor, each a process of its own under a master that the test plays, and the
// inbox between them.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/scoreboard.h"
#include "common/unique_fd.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/fake_master.h"

namespace sup::test {

struct InboxPair {
    UniqueFd receiver;
    UniqueFd sender;

    explicit InboxPair(int send_buffer = 0) {
        std::array<int, 2> ends{};
        ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data());
        receiver.reset(ends[0]);
        sender.reset(ends[1]);
        if (send_buffer > 0)
            ::setsockopt(sender.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    }
    // As the master does when its generation leaves.
    void close() const { ::shutdown(receiver.get(), SHUT_RDWR); }
    // Puts a packet in, with whatever descriptors.
    bool put(const std::string& bytes, const std::vector<int>& descriptors = {}) const {
        const auto sent = send_unix_message(sender.get(), bytes, descriptors);
        return sent && *sent == SendOutcome::sent;
    }
};

inline constexpr const char* reload_packet = R"({"type":"drain","listeners":["http","admin"],"retired":[]})";
inline constexpr const char* stop_packet = R"({"type":"drain","listeners":[],"retired":["http","admin"]})";

inline bool give_inbox(FakeMaster& master, const InboxPair& inbox) {
    return master.send(R"({"type":"inbox"})", {inbox.receiver.get(), inbox.sender.get()});
}

inline bool give_row(FakeMaster& master, const Scoreboard& board, std::size_t row) {
    return master.send(R"({"type":"scoreboard","slot":)" + std::to_string(row) + "}", {board.fd()});
}

// Tells `old` to drain into an inbox, as the master does at a reload.
inline bool reload_into(FakeMaster& old, const InboxPair& inbox) {
    const bool told = old.send(reload_packet, {inbox.sender.get()});
    old.signal(SIGTERM);
    return told;
}

inline std::uint64_t counter(const std::atomic<std::uint64_t>& value) {
    return value.load(std::memory_order_relaxed);
}

// Both with a row of one scoreboard: the old worker's is row 0.
struct TwoWorkers {
    InboxPair inbox;  // the successor's
    Scoreboard board = *Scoreboard::create(2);
    FakeMaster old;
    FakeMaster next;

    // Returns when both have found their rows. The worker in Python keeps no counters.
    explicit TwoWorkers(const FakeMasterOptions& next_options = {}, int send_buffer = 0,
                        const FakeMasterOptions& old_options = {})
        : inbox(send_buffer), old(old_options), next(next_options) {
        old.wait_until_ready();
        next.wait_until_ready();
        give_row(old, board, 0);
        give_row(next, board, 1);
        for (std::size_t row = 0; row < 2; ++row) {
            const std::string& program = (row == 0 ? old_options : next_options).program;
            if (program.find(".py") != std::string::npos) continue;
            eventually([&] { return counter(board.row(row).accepting) == 1; });
        }
    }
    void open_inbox() { give_inbox(next, inbox); }
    bool reload() { return reload_into(old, inbox); }
};

// How often it has gone to sleep until now, and how long it has run: one that spins never sleeps.
inline std::string activity(pid_t pid) {
    const std::string process = "/proc/" + std::to_string(pid);
    std::ifstream status(process + "/status");
    std::string activity;
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("voluntary_ctxt_switches")) activity = line;
    }
    std::ifstream stat(process + "/stat");
    std::string text;
    std::getline(stat, text);
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    // From the third field on: utime and stime are the 14th and 15th (proc(5)).
    std::string field;
    for (int number = 3; number <= 15 && fields >> field; ++number) {
        if (number >= 14) activity += " " + field;
    }
    return activity;
}

// Whether it no longer wakes again and again.
inline bool comes_to_rest(pid_t pid) {
    for (int round = 0; round < 100; ++round) {
        const std::string before = activity(pid);
        for (int i = 0; i < 40; ++i) pause_briefly();
        if (activity(pid) == before) return true;
    }
    return false;
}

// "pid:PID" of the worker that wrote a greeting.
inline std::string greets(const FakeMaster& master) {
    return "pid:" + std::to_string(master.pid()) + ",";
}

}  // namespace sup::test
