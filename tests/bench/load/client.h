// One client: at the most one connection, at the most one request at a time, and no second try.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/unique_fd.h"
#include "tests/bench/load/answer_reader.h"
#include "tests/bench/load/clock.h"
#include "tests/bench/load/tally.h"

struct sockaddr_in;

namespace sup::bench {

// What all clients share; outlives them.
struct Surroundings {
    int epoll;
    const sockaddr_in* server;
    std::string_view request;
    std::string_view expected_body;  // empty: any
    std::span<char> buffer;          // for what is received
    bool fresh;                      // the server is asked to close, and must
    Tally* tally;
};

// What a step has led to; all empty: the client goes on waiting.
struct Outcome {
    std::optional<Time> answered;  // a complete answer, right or (see failure) wrong
    std::optional<Failure> failure;
    std::optional<Closing> closing;

    bool request_is_over() const noexcept { return answered || failure; }
};

class Client {
public:
    // Sends a request, over the open connection or over a new one. The client must not be busy. `identity`
    // comes back as the data of its epoll events.
    Outcome begin(const Surroundings& around, std::uint32_t identity) noexcept;
    // Deals with events of the connection, edge-triggered.
    Outcome on_ready(const Surroundings& around, std::uint32_t events) noexcept;
    // The request has taken too long.
    Outcome give_up() noexcept;

    bool busy() const noexcept { return phase_ != Phase::open && phase_ != Phase::disconnected; }
    bool connected() const noexcept { return phase_ == Phase::open; }
    // How the last answer's body began.
    std::string_view last_answer() const noexcept { return reader_.beginning(); }

private:
    enum class Phase { disconnected, connecting, sending, receiving, closing, open };

    Outcome connect(const Surroundings& around, std::uint32_t identity) noexcept;
    Outcome send_rest(const Surroundings& around) noexcept;
    Outcome receive(const Surroundings& around, bool until_closed) noexcept;
    void on_bytes(const Surroundings& around, std::string_view bytes, Outcome& outcome) noexcept;
    void on_answer(const Surroundings& around, Outcome& outcome) noexcept;
    void on_closed(int error_number, Outcome& outcome) noexcept;
    Outcome fail_to_connect(int error_number) noexcept;
    void disconnect() noexcept;

    UniqueFd socket_;
    Phase phase_ = Phase::disconnected;
    std::size_t sent_ = 0;
    AnswerReader reader_;
    std::optional<Time> answered_at_;  // fresh: complete, the end of the connection is awaited
};

}  // namespace sup::bench
