#include "worker/lifecycle/offload.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include "worker/lifecycle/guarded.h"

namespace sup::worker {

struct Offload::Job {
    uv_work_t request{};
    Offload* owner = nullptr;  // null: given up
    std::function<void()> work;
    std::function<void()> done;
    std::exception_ptr thrown;
    std::atomic<bool> over = false;  // the pool has nothing more to do with it
    std::shared_ptr<Job> self;       // while libuv has the request
    Jobs::iterator place;            // among the owner's

    void run() {
        try {
            work();
        } catch (...) {
            thrown = std::current_exception();
        }
    }
    void end() {
        over = true;
        over.notify_all();
    }
};

Offload::~Offload() {
    give_up();
    for (const std::shared_ptr<Job>& job : left_) {
        job->over.wait(false);
        job->work = nullptr;
    }
    loop_.requests_over(static_cast<std::size_t>(std::count_if(
        left_.begin(), left_.end(), [](const std::shared_ptr<Job>& job) { return job->self != nullptr; })));
}

void Offload::begin(std::function<void()> work, std::function<void()> done) {
    const auto job = std::make_shared<Job>();
    job->owner = this;
    job->work = std::move(work);
    job->done = std::move(done);
    job->self = job;
    job->request.data = job.get();
    job->place = jobs_.insert(jobs_.end(), job);
    const auto run = [](uv_work_t* request) {
        Job& one = *static_cast<Job*>(request->data);
        one.run();
        one.end();
    };
    const auto after = [](uv_work_t* request, int status) {
        const std::shared_ptr<Job> one = std::move(static_cast<Job*>(request->data)->self);
        if (one->owner != nullptr) one->owner->ended(*one, status);
    };
    uv_queue_work(loop_.get(), &job->request, run, after);
}

void Offload::ended(Job& job, int status) {
    jobs_.erase(job.place);
    const auto work = std::exchange(job.work, nullptr);
    const auto done = std::exchange(job.done, nullptr);
    if (job.thrown) {
        tell_thrown("work given to Worker::offload", job.thrown);
    } else if (status == 0 && done) {
        guarded("the callback of work given to Worker::offload", done);
    }
    if (jobs_.empty()) idle_();
}

void Offload::give_up() {
    *given_up_ = true;
    for (std::shared_ptr<Job>& job : std::exchange(jobs_, {})) {
        job->owner = nullptr;
        job->done = nullptr;
        if (uv_cancel(reinterpret_cast<uv_req_t*>(&job->request)) == 0) job->end();
        left_.push_back(std::move(job));
    }
}

}  // namespace sup::worker
