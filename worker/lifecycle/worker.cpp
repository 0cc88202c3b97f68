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
    core_->thread().check("Worker::ready");
    core_->ready();
}

void Worker::drain() {
    core_->drain_from_any_thread();
}

void Worker::on_drain(std::function<void(const Drain&)> begun) {
    core_->thread().check("Worker::on_drain");
    core_->on_drain(std::move(begun));
}

bool Worker::post(std::function<void()> task) {
    return core_->post(std::move(task));
}

void Worker::offload(std::function<void()> work, std::function<void()> done) {
    core_->thread().check("Worker::offload");
    core_->offload(std::move(work), std::move(done));
}

void Worker::status(std::string_view text) {
    core_->thread().check("Worker::status");
    core_->status(text);
}

bool Worker::draining() const {
    core_->thread().check("Worker::draining");
    return core_->draining();
}

unsigned Worker::generation() const {
    return core_->generation();
}

const std::vector<ListenerInfo>& Worker::listeners() const {
    return core_->listeners();
}

uv_loop_s* Worker::loop() {
    core_->thread().check("Worker::loop");
    return core_->loop();
}

}  // namespace sup::worker
