#include "common/scoreboard.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

namespace sup {
namespace {

constexpr int size_seals = F_SEAL_SHRINK | F_SEAL_GROW;

}  // namespace

Scoreboard::Scoreboard(UniqueFd memfd, void* address, std::size_t rows)
    : memfd_(std::move(memfd)), rows_(static_cast<ScoreboardRow*>(address)), size_(rows) {}

Scoreboard::Scoreboard(Scoreboard&& other) noexcept
    : memfd_(std::move(other.memfd_)),
      rows_(std::exchange(other.rows_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Scoreboard& Scoreboard::operator=(Scoreboard&& other) noexcept {
    if (this == &other) return *this;
    unmap();
    memfd_ = std::move(other.memfd_);
    rows_ = std::exchange(other.rows_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
}

Scoreboard::~Scoreboard() {
    unmap();
}

void Scoreboard::unmap() noexcept {
    if (rows_ != nullptr) ::munmap(rows_, size_ * sizeof(ScoreboardRow));
    rows_ = nullptr;
}

Result<Scoreboard> Scoreboard::create(std::size_t rows) {
    UniqueFd memfd{::memfd_create("sup-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!memfd) return errno_error("cannot create the scoreboard (memfd_create)");
    const std::size_t size = rows * sizeof(ScoreboardRow);
    if (::ftruncate(memfd.get(), static_cast<off_t>(size)) != 0) {
        const int problem = errno;
        // The limit on the size of files is one on memory like this, too.
        const std::string advice =
            problem == EFBIG ? " (raise `ulimit -f`, or LimitFSIZE= in a systemd unit)" : "";
        const std::string what = "cannot make the scoreboard, memory of " + std::to_string(size) + " bytes";
        return Error{errno_error(what, problem).message + advice};
    }
    if (::fcntl(memfd.get(), F_ADD_SEALS, size_seals | F_SEAL_SEAL) != 0)
        return errno_error("cannot seal the scoreboard (F_ADD_SEALS)");
    return map_rows(std::move(memfd), rows);
}

Result<Scoreboard> Scoreboard::map(UniqueFd memfd) {
    const int seals = ::fcntl(memfd.get(), F_GET_SEALS);
    if (seals < 0 || (seals & size_seals) != size_seals)
        return Error{"the scoreboard's memory is not sealed"};
    struct stat info {};
    if (::fstat(memfd.get(), &info) != 0) return errno_error("fstat");
    const auto rows = static_cast<std::size_t>(info.st_size) / sizeof(ScoreboardRow);
    if (rows == 0) return Error{"the scoreboard has no row"};
    return map_rows(std::move(memfd), rows);
}

Result<Scoreboard> Scoreboard::map_rows(UniqueFd memfd, std::size_t rows) {
    void* address =
        ::mmap(nullptr, rows * sizeof(ScoreboardRow), PROT_READ | PROT_WRITE, MAP_SHARED, memfd.get(), 0);
    if (address == MAP_FAILED) return errno_error("mmap of the scoreboard");
    return Scoreboard(std::move(memfd), address, rows);
}

ScoreboardRow& Scoreboard::row(std::size_t index) const {
    if (index >= size_) std::abort();
    return rows_[index];
}

void Scoreboard::clear(std::size_t index) const {
    ScoreboardRow& one = row(index);
    for (auto* counter : {&one.accepting, &one.connections, &one.requests, &one.accepts, &one.taken,
                          &one.handed_over, &one.drained, &one.closed}) {
        counter->store(0, std::memory_order_relaxed);
    }
}

}  // namespace sup
