#include "worker/http/body_file.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sup/http/response.h"
#include "worker/lifecycle/core.h"

namespace sup::http {
namespace {

// What waits behind a job under way; beyond it no more is read.
constexpr std::size_t most_waiting = 256 * 1024UL;

}  // namespace

void BodyFile::take(std::string_view piece, bool last, Response& response) {
    if (done_ == nullptr) return;
    waiting_.append(piece);
    if (last) input_ = Input::ended;
    if (job_ == Job::none) return go_on(response);
    if (waiting_.size() >= most_waiting) response.pause_body();
}

void BodyFile::go_on(Response& response) {
    if (problem_ != 0) return tell(response);
    if (!waiting_.empty()) return begin_job(response);
    if (input_ == Input::ended) tell(response);
}

void BodyFile::begin_job(Response& response) {
    std::string bytes = std::exchange(waiting_, {});
    if (worker_ == nullptr) {
        write(bytes);
        return go_on(response);
    }
    job_ = Job::runs;
    auto self = shared_from_this();
    worker_->offload([self, bytes = std::move(bytes)] { self->write(bytes); },
                     [self, kept = response]() mutable {
                         self->job_ = Job::none;
                         kept.resume_body();
                         if (self->job_ == Job::none) self->go_on(kept);
                     });
}

// On the pool. Nothing else touches the file or the problem meanwhile.
void BodyFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            problem_ = count < 0 ? errno : EIO;
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void BodyFile::tell(Response& response) {
    const auto done = std::exchange(done_, nullptr);
    waiting_.clear();
    if (done) done(problem_, response);
}

}  // namespace sup::http
