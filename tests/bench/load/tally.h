// What happened, counted: answers with their latency, every kind of failure, connections closed by the
// server.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tests/bench/load/clock.h"
#include "tests/bench/load/histogram.h"

namespace sup::bench {

// How a request failed. A request fails once, in the way that was seen first.
enum class Failure {
    connect,               // no connection, for a reason other than the next
    refused,               // ECONNREFUSED
    reset,                 // ECONNRESET or EPIPE
    closed_before_answer,  // the server closed and had sent nothing
    closed_within_answer,
    timeout,
    wrong_status,  // not 200
    wrong_body,    // not the echo that was expected
    malformed,     // not HTTP
    not_closed,    // answered, but the connection stayed open although both sides had said that it closes
};
inline constexpr std::size_t failure_kinds = 10;
const char* to_string(Failure failure) noexcept;

// How a server closed a connection that the client wanted to keep.
enum class Closing {
    announced,     // the answer said so: a client that listens loses no request
    idle,          // between two requests
    with_request,  // a request was on its way, and failed
};
inline constexpr std::size_t closing_kinds = 3;
const char* to_string(Closing closing) noexcept;

struct Slice {
    Histogram latency;
    std::uint32_t failed = 0;
    std::uint32_t closed = 0;
};

class Tally {
public:
    // Room for slices up to `longest` after the start; what happens later counts in the last one.
    Tally(Span slice_width, Span longest);

    void begin(Time start) noexcept { start_ = start; }
    void answered(Time now, Span latency) noexcept;
    void failed(Time now, Failure failure) noexcept;
    void closed(Time now, Closing closing) noexcept;
    void connected() noexcept { ++connections_; }

    Time start() const noexcept { return start_; }
    Span slice_width() const noexcept { return slice_width_; }
    const Histogram& latency() const noexcept { return latency_; }
    std::uint64_t failures(Failure kind) const noexcept { return failures_[static_cast<std::size_t>(kind)]; }
    std::uint64_t closings(Closing kind) const noexcept { return closings_[static_cast<std::size_t>(kind)]; }
    std::uint64_t connections() const noexcept { return connections_; }
    // Up to the last in which something happened.
    std::size_t used_slices() const noexcept { return used_slices_; }
    const Slice& slice(std::size_t index) const noexcept { return slices_[index]; }

private:
    Slice& slice_at(Time now) noexcept;

    Time start_{};
    Span slice_width_;
    Histogram latency_;
    std::array<std::uint64_t, failure_kinds> failures_{};
    std::array<std::uint64_t, closing_kinds> closings_{};
    std::uint64_t connections_ = 0;
    std::vector<Slice> slices_;
    std::size_t used_slices_ = 0;
};

}  // namespace sup::bench
