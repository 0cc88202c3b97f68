#include "worker/http/body_file.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "common/without_broken_pipe.h"
#include "sup/http/response.h"
#include "worker/http/protocol.h"
#include "worker/lifecycle/core.h"

namespace sup::http {
namespace {

// How much may wait behind a job under way; beyond it no more is read.
constexpr std::size_t most_waiting = 256 * 1024UL;
// How often, in ms, a job that waits for room checks whether it is still wanted, …
constexpr int look_up_every = 100;
// … and how many times in vain, once the exchange is over: 10 s.
constexpr int most_looks = 100;

}  // namespace

BodyFile::BodyFile(worker::Core* worker, UniqueFd file, Request::BodySaved done,
                   std::shared_ptr<const std::atomic<Saving>> saving)
    : worker_(worker),
      file_(std::move(file)),
      done_(std::move(done)),
      saving_(std::move(saving)),
      given_up_(worker == nullptr ? nullptr : worker->work_given_up()) {}

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
    Protocol::call(response, [&] { go_on(response); });
}

// On the pool. Nothing else touches the file or the problem in the meantime. What is not a regular file, such
// as a pipe, may take nothing for long: nothing but wait_for_room() waits for it.
void BodyFile::write(std::string_view bytes) {
    struct stat known {};
    const bool waits = ::fstat(file_.get(), &known) == 0 && !S_ISREG(known.st_mode);
    while (problem_ == 0 && !bytes.empty()) {
        if (waits && (problem_ = wait_for_room()) != 0) return;
        const ssize_t count = write_some(bytes, waits);
        if (count < 0 && (errno == EINTR || (waits && errno == EAGAIN))) continue;
        if (count <= 0) {
            problem_ = count < 0 ? errno : EIO;
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

// Others may write into the same pipe, and take the room that poll(2) saw. Where the kernel cannot be asked
// not to wait (before Linux 6.4 for a pipe), no more is written at once than there was room for (pipe(7),
// PIPE_BUF).
ssize_t BodyFile::write_some(std::string_view bytes, bool waits) const {
    if (!waits) return ::write(file_.get(), bytes.data(), bytes.size());
    const WithoutBrokenPipe guard;
    const std::size_t most = std::min<std::size_t>(bytes.size(), PIPE_BUF);
    const iovec part{const_cast<char*>(bytes.data()), most};  // only read
    const ssize_t count = ::pwritev2(file_.get(), &part, 1, -1, RWF_NOWAIT);
    if (count >= 0 || errno != EOPNOTSUPP) return count;
    return ::write(file_.get(), bytes.data(), most);
}

// 0, or why there will be none.
int BodyFile::wait_for_room() const {
    pollfd room{file_.get(), POLLOUT, 0};
    for (int looks = 0; ::poll(&room, 1, look_up_every) == 0;) {
        if (given_up_ && *given_up_) return ECANCELED;
        switch (saving_->load()) {
            case Saving::goes_on: break;
            case Saving::cut: return ECANCELED;
            case Saving::answered:
                if (++looks == most_looks) return ETIMEDOUT;
        }
    }
    return 0;
}

void BodyFile::tell(Response& response) {
    const auto done = std::exchange(done_, nullptr);
    waiting_.clear();
    if (done) done(problem_, response);
}

}  // namespace sup::http
