#include "worker/http/body_file.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "sup/http/response.h"
#include "worker/http/protocol.h"
#include "worker/lifecycle/core.h"

namespace sup::http {
namespace {

// What waits behind a job under way; beyond it no more is read.
constexpr std::size_t most_waiting = 256 * 1024UL;
// How often who waits for room looks whether the client is still there, in ms.
constexpr int look_up_every = 1'000;

}  // namespace

void BodyFile::take(std::string_view piece, bool last, Response& response) {
    if (done_ == nullptr) return;
    waiting_.append(piece);
    if (last) input_ = Input::ended;
    if (job_ == Job::none) return go_on(response);
    if (waiting_.size() >= most_waiting) Protocol::hold_body(response, true);
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
                     [self, kept = response]() mutable { self->written(kept); });
}

void BodyFile::written(Response& response) {
    job_ = Job::none;
    Protocol::hold_body(response, false);
    if (job_ == Job::none) Protocol::call(response, [&] { go_on(response); });
}

// On the pool. Nothing else touches the file or the problem meanwhile. What is no regular file, a pipe say,
// may take nothing for long: it gets no more at once than it has room for (pipe(7), PIPE_BUF), so that
// nothing but wait_for_room() waits.
void BodyFile::write(std::string_view bytes) {
    struct stat known {};
    const bool waits = ::fstat(file_.get(), &known) == 0 && !S_ISREG(known.st_mode);
    while (problem_ == 0 && !bytes.empty()) {
        if (waits && (problem_ = wait_for_room()) != 0) return;
        const std::size_t most = waits ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size();
        const ssize_t count = ::write(file_.get(), bytes.data(), most);
        if (count < 0 && (errno == EINTR || (waits && errno == EAGAIN))) continue;
        if (count <= 0) {
            problem_ = count < 0 ? errno : EIO;
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

// 0, or why there will be none.
int BodyFile::wait_for_room() const {
    pollfd room{file_.get(), POLLOUT, 0};
    while (::poll(&room, 1, look_up_every) == 0) {
        if (*gone_) return ECANCELED;
    }
    return 0;
}

void BodyFile::tell(Response& response) {
    const auto done = std::exchange(done_, nullptr);
    waiting_.clear();
    if (done) done(problem_, response);
}

}  // namespace sup::http
