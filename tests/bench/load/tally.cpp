#include "tests/bench/load/tally.h"

#include <algorithm>

namespace sup::bench {

constexpr std::int64_t most_slices = 1200;  // 10 MB

Tally::Tally(Span slice_width, Span longest)
    : slice_width_(slice_width),
      slices_(static_cast<std::size_t>(std::clamp<std::int64_t>(longest / slice_width + 1, 1, most_slices))) {
}

Slice& Tally::slice_at(Time now) noexcept {
    const std::int64_t wanted = std::max<std::int64_t>((now - start_) / slice_width_, 0);
    const std::size_t index = std::min(static_cast<std::size_t>(wanted), slices_.size() - 1);
    used_slices_ = std::max(used_slices_, index + 1);
    return slices_[index];
}

void Tally::answered(Time now, Span latency) noexcept {
    latency_.record(latency);
    slice_at(now).latency.record(latency);
}

void Tally::failed(Time now, Failure failure) noexcept {
    ++failures_[static_cast<std::size_t>(failure)];
    ++slice_at(now).failed;
}

void Tally::closed(Time now, Closing closing) noexcept {
    ++closings_[static_cast<std::size_t>(closing)];
    ++slice_at(now).closed;
}

const char* to_string(Failure failure) noexcept {
    switch (failure) {
        case Failure::connect: return "connect";
        case Failure::refused: return "refused";
        case Failure::reset: return "reset";
        case Failure::closed_before_answer: return "closed_before_answer";
        case Failure::closed_within_answer: return "closed_within_answer";
        case Failure::timeout: return "timeout";
        case Failure::wrong_status: return "wrong_status";
        case Failure::wrong_body: return "wrong_body";
        case Failure::malformed: return "malformed";
        case Failure::not_closed: return "not_closed";
    }
    return "?";
}

const char* to_string(Closing closing) noexcept {
    switch (closing) {
        case Closing::announced: return "announced";
        case Closing::idle: return "idle";
        case Closing::with_request: return "with_request";
    }
    return "?";
}

}  // namespace sup::bench
