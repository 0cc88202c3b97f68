#include "sup/worker.h"

#include <utility>

#include "worker/lifecycle/core.h"

namespace sup::worker {

Worker::Worker(Options options) : core_(std::make_unique<Core>(std::move(options))) {}
Worker::~Worker() = default;

int Worker::run() {
    return core_->run();
}

void Worker::ready() {
    core_->ready();
}

void Worker::drain() {
    core_->drain_from_any_thread();
}

void Worker::status(std::string_view text) {
    core_->status(text);
}

bool Worker::draining() const {
    return core_->draining();
}

unsigned Worker::generation() const {
    return core_->generation();
}

const std::vector<ListenerInfo>& Worker::listeners() const {
    return core_->listeners();
}

uv_loop_s* Worker::loop() {
    return core_->loop();
}

}  // namespace sup::worker
