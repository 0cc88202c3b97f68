#include "config/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "common/size.h"
#include "common/unique_fd.h"
#include "config/load.h"

namespace sup::config {
namespace {

Error too_large() {
    return Error{"too large for a configuration (limit " + describe_size(largest_file) + ")"};
}

Status check_kind(int descriptor) {
    struct stat status {};
    if (fstat(descriptor, &status) != 0) return errno_error("cannot be examined");
    if (S_ISDIR(status.st_mode)) return Error{"is a directory, expected a configuration file"};
    if (!S_ISREG(status.st_mode))
        return Error{"is not a regular file; each reload reads the configuration again"};
    if (status.st_size > static_cast<off_t>(largest_file)) return too_large();
    return Success{};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) return errno_error("cannot be opened");
    if (const Status kind = check_kind(file.get()); !kind) return kind.error();
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t length = ::read(file.get(), buffer.data(), buffer.size());
        if (length == 0) return text;
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) return errno_error("cannot be read");
        text.append(buffer.data(), static_cast<std::size_t>(length));
        if (text.size() > largest_file) return too_large();  // it grew meanwhile
    }
}

}  // namespace sup::config
