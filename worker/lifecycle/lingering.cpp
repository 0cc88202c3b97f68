#include "worker/lifecycle/lingering.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace sup::worker {
namespace {

constexpr Duration patience{2'000};

}  // namespace

void Lingering::add(UniqueFd socket) {
    ::shutdown(socket.get(), SHUT_WR);
    const auto one = open_.insert(open_.end(), One{std::move(socket), {}, {}});
    Result<uv::Poll> poll = uv::Poll::create(loop_, one->socket.get(), [this, one](int, int) { read(one); });
    if (!poll) return end(one);
    one->poll = std::move(*poll);
    one->poll.start(UV_READABLE);
    one->deadline = uv::Timer(loop_, [this, one] { end(one); });
    one->deadline.arm(patience);
}

void Lingering::end_all() {
    while (!open_.empty()) end(open_.begin());
}

void Lingering::read(std::list<One>::iterator one) {
    std::array<char, 16 * 1024> dropped;
    const ssize_t count = ::recv(one->socket.get(), dropped.data(), dropped.size(), MSG_DONTWAIT);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) return;
    end(one);
}

void Lingering::end(std::list<One>::iterator one) {
    one->poll = {};
    one->deadline = {};
    open_.erase(one);
    ended_();
}

}  // namespace sup::worker
