// Clients that keep their connections and never retry, in a process of their own: the benchmark's load
// generator.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/unique_fd.h"
#include "tests/integration/support/process.h"

namespace sup::test {

struct KeptReport {
    std::uint64_t answered = 0;
    std::uint64_t failed = 0;       // requests
    std::uint64_t timed_out = 0;    // of those
    std::uint64_t connections = 0;  // that were opened, in all
    std::uint64_t announced = 0;    // closed by the server after an answer that said so
    std::uint64_t closed = 0;       // closed by the server in any other way
    std::string text;               // all of it, as a person reads it

    // Every client has had one connection, and still has it.
    bool all_kept(unsigned clients) const {
        return failed == 0 && announced == 0 && closed == 0 && connections == clients;
    }
};

class KeptClients {
public:
    struct Options {
        unsigned clients = 64;
        std::string think = "0ms";  // between an answer and the next request
        unsigned body = 0;          // more than 0: POST so many bytes, and expect them back
        bool idle = false;          // each asks once, and once more at ask_again()
    };
    KeptClients(std::uint16_t port, const Options& options);

    bool running() { return process_.running(); }
    // idle: every client has its first answer.
    bool established();
    // idle: the second round, and then the end.
    KeptReport ask_again() { return finish("ask\n"); }
    // Lets every request under way finish, then tells what happened.
    KeptReport stop() { return finish("stop\n"); }

private:
    KeptReport finish(const std::string& command);

    UniqueFd input_;
    UniqueFd their_input_;  // until the process has it
    Child process_;
};

}  // namespace sup::test
