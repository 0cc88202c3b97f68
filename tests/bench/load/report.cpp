#include "tests/bench/load/report.h"

#include <nlohmann/json.hpp>

namespace sup::bench {
namespace {

using nlohmann::json;

double microseconds(Span span) {
    return static_cast<double>(span.count()) / 1e3;
}

json latency(const Histogram& histogram) {
    return {{"p50", microseconds(histogram.quantile(0.5))},
            {"p99", microseconds(histogram.quantile(0.99))},
            {"p999", microseconds(histogram.quantile(0.999))},
            {"max", microseconds(histogram.longest())}};
}

json buckets(const Histogram& histogram) {
    json list = json::array();
    for (std::size_t i = 0; i < Histogram::buckets; ++i) {
        if (const auto n = histogram.in_bucket(i)) list.push_back({microseconds(Histogram::value_of(i)), n});
    }
    return list;
}

json failures(const Tally& tally, std::uint64_t& total) {
    json kinds = json::object();
    for (std::size_t i = 0; i < failure_kinds; ++i) {
        const auto kind = static_cast<Failure>(i);
        total += tally.failures(kind);
        if (tally.failures(kind) > 0) kinds[to_string(kind)] = tally.failures(kind);
    }
    return kinds;
}

json closings(const Tally& tally, std::uint64_t& total) {
    json kinds = json::object();
    for (std::size_t i = 0; i < closing_kinds; ++i) {
        const auto kind = static_cast<Closing>(i);
        total += tally.closings(kind);
        if (tally.closings(kind) > 0) kinds[to_string(kind)] = tally.closings(kind);
    }
    return kinds;
}

json series(const Tally& tally) {
    json requests = json::array(), failed = json::array(), closed = json::array();
    json p50 = json::array(), p99 = json::array();
    for (std::size_t i = 0; i < tally.used_slices(); ++i) {
        const Slice& slice = tally.slice(i);
        requests.push_back(slice.latency.count());
        failed.push_back(slice.failed);
        closed.push_back(slice.closed);
        p50.push_back(microseconds(slice.latency.quantile(0.5)));
        p99.push_back(microseconds(slice.latency.quantile(0.99)));
    }
    return {{"slice_ms", microseconds(tally.slice_width()) / 1e3},
            {"requests", requests},
            {"failed", failed},
            {"closed", closed},
            {"p50_us", p50},
            {"p99_us", p99}};
}

json censuses(const Generator& generator) {
    json list = json::array();
    for (const Census& census : generator.censuses()) {
        const Span at = census.at - generator.tally().start();
        list.push_back({{"at_ms", microseconds(at) / 1e3}, {"clients", census.clients}});
    }
    return list;
}

}  // namespace

std::string result_json(const Options& options, const Generator& generator) {
    const Tally& tally = generator.tally();
    std::uint64_t failed = 0, closed = 0;
    json result{{"event", "result"},
                {"mode", to_string(options.mode)},
                {"clients", options.clients},
                {"requests", tally.latency().count()},
                {"failed", failures(tally, failed)},
                {"closed", closings(tally, closed)},
                {"connections", tally.connections()},
                {"elapsed_s", microseconds(generator.elapsed()) / 1e6},
                {"latency_us", latency(tally.latency())},
                {"histogram", buckets(tally.latency())},
                {"series", series(tally)},
                {"censuses", censuses(generator)}};
    result["failed_total"] = failed;
    result["closed_total"] = closed;
    return result.dump();
}

}  // namespace sup::bench
