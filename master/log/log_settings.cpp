#include "master/log/log_settings.h"

#include <utility>

#include "master/log/log_place.h"

namespace sup {

Status LogSettings::prepare(core::GenerationId generation, const config::Config& config) {
    next_.reset();
    const LogPlace place = log_place(config, paths_, background_);
    if (place.unbounded) {
        log_.warning("log.file is not set, and log.workers is \"inherit\": {} grows without limit",
                     place.file);
    }
    if (place.file == log_.file()) return Success{};
    auto next = LogDestination::prepare(place.file, place.bounds);
    if (!next) return next.error();
    next_ = Next{generation, std::move(*next)};
    return Success{};
}

Status LogSettings::take(const config::Config& config) {
    Status moved = Success{};
    if (auto next = std::exchange(next_, std::nullopt)) {
        moved = log_.move_to(std::move(next->destination), config.log.level, config.log.format);
    } else {
        log_.configure(config.log.level, config.log.format);
        log_.set_bounds(log_place(config, paths_, background_).bounds);
    }
    log_.set_queue_bytes(config.log.when_slow.queue_bytes);
    return moved;
}

std::optional<int> LogSettings::output_of(core::GenerationId generation) const {
    const bool next = background_ && next_ && next_->generation == generation;
    return next ? std::optional(next_->destination.open.fd.get()) : std::nullopt;
}

Status LogSettings::reopen() {
    if (next_) {
        auto again = LogDestination::prepare(next_->destination.file, next_->destination.bounds);
        if (again) next_->destination = std::move(*again);
    }
    return log_.reopen();
}

}  // namespace sup
