#include "master/process/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/unique_fd.h"

namespace sup {

std::optional<std::string> read_proc_file(const std::string& path) {
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return std::nullopt;
    std::string text;
    std::array<char, std::size_t{16} * 1024> part;
    for (;;) {
        const ssize_t size = ::read(file.get(), part.data(), part.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return std::nullopt;  // ESRCH: it has ended since
        if (size == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(size));
    }
}

}  // namespace sup
