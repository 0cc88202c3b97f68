#include "worker/lifecycle/mailbox.h"

#include <utility>

#include "worker/lifecycle/guarded.h"

namespace sup::worker {

std::shared_ptr<Mailbox> Mailbox::open(uv_loop_t* loop) {
    std::shared_ptr<Mailbox> mailbox(new Mailbox());
    // Not by a shared pointer: the mailbox owns the handle, and is closed before the loop goes.
    mailbox->wake_ = uv::Async(loop, [one = mailbox.get()] { run(one->take()); });
    return mailbox;
}

bool Mailbox::post(Task task) {
    const std::lock_guard lock(mutex_);
    if (!wake_) return false;
    tasks_.push_back(std::move(task));
    // Within the lock, because close() must not take the handle away in the meantime.
    wake_.send();
    return true;
}

std::vector<Mailbox::Task> Mailbox::close() {
    const std::lock_guard lock(mutex_);
    wake_ = {};
    return std::exchange(tasks_, {});
}

std::vector<Mailbox::Task> Mailbox::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(tasks_, {});
}

// Each is destroyed before the next one begins.
void Mailbox::run(std::vector<Task> tasks) {
    for (Task& posted : tasks) {
        const Task task = std::exchange(posted, nullptr);
        guarded("a task given to Worker::post", task);
    }
}

}  // namespace sup::worker
