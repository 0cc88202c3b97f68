// Latencies in logarithmic buckets: a fixed table, so that recording neither allocates nor forgets.
#pragma once

#include <array>
#include <cstdint>

#include "tests/bench/load/clock.h"

namespace sup::bench {

// Every octave is cut into 64 buckets, so a value is known to 1.6 %. Longer than 68 s counts as 68 s.
class Histogram {
public:
    static constexpr int sub_bits = 6;
    static constexpr int largest_exponent = 35;
    static constexpr std::size_t buckets = (largest_exponent - sub_bits + 2) << sub_bits;

    void record(Span value) noexcept;
    std::uint64_t count() const noexcept { return count_; }
    Span longest() const noexcept { return longest_; }

    // The value that a share of all recorded ones (0 to 1) does not exceed; zero when nothing was recorded.
    Span quantile(double share) const noexcept;

    std::uint32_t in_bucket(std::size_t bucket) const noexcept { return table_[bucket]; }
    // The middle of the values that a bucket stands for.
    static Span value_of(std::size_t bucket) noexcept;

private:
    static std::size_t bucket_of(std::uint64_t nanoseconds) noexcept;

    std::array<std::uint32_t, buckets> table_{};
    std::uint64_t count_ = 0;
    Span longest_{0};
};

}  // namespace sup::bench
