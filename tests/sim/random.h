// The simulation's only source of chance: the same seed gives the same numbers on every machine, which the
// standard library's distributions do not promise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sup::sim {

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    // splitmix64.
    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    // 0…limit-1; limit is at least 1.
    std::uint32_t below(std::uint32_t limit) {
        return static_cast<std::uint32_t>(((next() >> 32U) * limit) >> 32U);
    }

    bool chance(std::uint32_t percent) { return below(100) < percent; }

    template <typename T, std::size_t N>
    T pick(const std::array<T, N>& choices) {
        return choices[below(static_cast<std::uint32_t>(N))];
    }

private:
    std::uint64_t state_;
};

}  // namespace sup::sim
