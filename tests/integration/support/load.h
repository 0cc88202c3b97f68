// Clients that open a new connection for each request, never retry, and count each way of failing apart.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "tests/integration/support/endpoint.h"

namespace sup::test {

struct LoadReport {
    std::uint64_t answered = 0;
    std::uint64_t refused = 0;
    std::uint64_t reset = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t short_answers = 0;  // the connection ended before the whole answer
    std::uint64_t wrong = 0;          // a whole answer that is not the one expected
    std::uint64_t other = 0;
    std::string first_failure;

    std::set<pid_t> pids;
    std::map<int, std::uint64_t> generations;
    std::map<std::string, std::uint64_t> versions;

    std::uint64_t failures() const { return refused + reset + timed_out + short_answers + wrong + other; }
    std::string text() const;
};

// Runs on a thread of its own from construction to stop().
class Load {
public:
    Load(Endpoint endpoint, unsigned clients);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    std::uint64_t answered() const { return answered_.load(); }
    bool has_answered(pid_t pid) const;

    // Lets every request under way finish, then tells what happened.
    LoadReport stop();

private:
    class Client;
    void loop();
    void account(const Client& client);

    const Endpoint endpoint_;
    const unsigned clients_;
    std::atomic<std::uint64_t> answered_{0};
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;  // guards report_
    LoadReport report_;
    std::thread thread_;
};

}  // namespace sup::test
