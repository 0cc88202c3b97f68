#include "master/process/held_files.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace sup {

std::optional<FileId> file_id(int fd) {
    struct stat file {};
    if (::fstat(fd, &file) != 0) return std::nullopt;
    return FileId{file.st_dev, file.st_ino};
}

HeldFiles files_held_by(pid_t pid) {
    HeldFiles held;
    std::error_code gone;
    std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid) + "/fd", gone);
    for (const std::filesystem::directory_iterator end; !gone && entry != end; entry.increment(gone)) {
        if (held.looked_at++ == most_descriptors_looked_at) break;
        struct stat file {};
        if (::stat(entry->path().c_str(), &file) != 0) continue;
        if (S_ISFIFO(file.st_mode) || S_ISSOCK(file.st_mode))
            held.pipes_and_sockets.push_back({file.st_dev, file.st_ino});
    }
    return held;
}

}  // namespace sup
