#include "tests/bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sup::bench {

std::size_t Histogram::bucket_of(std::uint64_t nanoseconds) noexcept {
    constexpr std::uint64_t linear = std::uint64_t{1} << sub_bits;
    constexpr std::uint64_t beyond = std::uint64_t{1} << (largest_exponent + 1);
    const std::uint64_t value = std::min(nanoseconds, beyond - 1);
    if (value < linear) return value;
    const int exponent = static_cast<int>(std::bit_width(value)) - 1;
    const int shift = exponent - sub_bits;
    return (static_cast<std::size_t>(shift + 1) << sub_bits) + ((value >> shift) & (linear - 1));
}

Span Histogram::value_of(std::size_t bucket) noexcept {
    const std::size_t octave = bucket >> sub_bits;
    if (octave == 0) return Span{static_cast<std::int64_t>(bucket)};
    const std::size_t shift = octave - 1;
    const std::uint64_t within = bucket & ((std::uint64_t{1} << sub_bits) - 1);
    const std::uint64_t lowest = ((std::uint64_t{1} << sub_bits) + within) << shift;
    return Span{static_cast<std::int64_t>(lowest + (std::uint64_t{1} << shift) / 2)};
}

void Histogram::record(Span value) noexcept {
    const std::int64_t nanoseconds = std::max<std::int64_t>(value.count(), 0);
    ++table_[bucket_of(static_cast<std::uint64_t>(nanoseconds))];
    ++count_;
    longest_ = std::max(longest_, Span{nanoseconds});
}

Span Histogram::quantile(double share) const noexcept {
    if (count_ == 0) return Span{0};
    const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
    const std::uint64_t rank = std::max<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
        seen += table_[bucket];
        if (seen >= rank) return std::min(value_of(bucket), longest_);
    }
    return longest_;
}

}  // namespace sup::bench
