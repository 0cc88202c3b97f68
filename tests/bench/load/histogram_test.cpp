#include "tests/bench/load/histogram.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "tests/catch.h"

using namespace std::chrono_literals;
using sup::bench::Histogram;
using sup::bench::Span;

TEST_CASE("a quantile is known to 1.6 percent, from nanoseconds to a minute") {
    for (std::int64_t value = 1; value < 60'000'000'000; value = value * 3 / 2 + 1) {
        Histogram histogram;
        histogram.record(Span{value});
        histogram.record(Span{60s});
        const double error = std::abs(static_cast<double>((histogram.quantile(0.5) - Span{value}).count()));
        INFO(value);
        CHECK(error <= static_cast<double>(value) * 0.016);
    }
}

TEST_CASE("quantiles agree with the sorted values") {
    Histogram histogram;
    std::vector<std::int64_t> values;
    std::uint64_t state = 42;
    for (int i = 0; i < 10'000; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        values.push_back(static_cast<std::int64_t>((state >> 40) + 1000));
        histogram.record(Span{values.back()});
    }
    std::sort(values.begin(), values.end());
    for (const double share : {0.01, 0.5, 0.99, 0.999}) {
        const auto exact =
            static_cast<double>(values[static_cast<std::size_t>(std::ceil(share * 10'000)) - 1]);
        CHECK(std::abs(static_cast<double>(histogram.quantile(share).count()) - exact) <= exact * 0.016);
    }
    CHECK(histogram.count() == 10'000);
    CHECK(histogram.longest().count() == values.back());
}

TEST_CASE("nothing recorded is zero, and what is too long counts as the longest") {
    Histogram histogram;
    CHECK(histogram.quantile(0.99) == 0ns);
    histogram.record(200s);
    histogram.record(-5ns);
    CHECK(histogram.count() == 2);
    CHECK(histogram.longest() == 200s);
    CHECK(histogram.quantile(1.0) > 67s);
}
