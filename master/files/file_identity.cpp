#include "master/files/file_identity.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/unique_fd.h"
#include "master/files/by_descriptor.h"

namespace sup {
namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{16} * 1024;
constexpr std::uint64_t most_pieces = 64;

// One step of a hash that only has to tell builds apart; it does not resist forgery.
void mix(std::uint64_t& hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 29;
}

void mix(std::uint64_t& hash, const char* bytes, std::size_t size) {
    for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + at, std::min(sizeof word, size - at));
        mix(hash, word);
    }
}

// Where the pieces begin; the last one ends with the file.
std::vector<std::uint64_t> pieces_of(std::uint64_t size) {
    std::vector<std::uint64_t> starts;
    const std::uint64_t whole = (size + piece_bytes - 1) / piece_bytes;
    const std::uint64_t count = std::min(whole, most_pieces);
    for (std::uint64_t i = 0; i < count; ++i) {
        starts.push_back(whole <= most_pieces ? i * piece_bytes : (size - piece_bytes) * i / (count - 1));
    }
    return starts;
}

}  // namespace

FileIdentity identity_of(const struct stat& status) {
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim};
}

bool is_same_file(const FileIdentity& a, const FileIdentity& b) {
    return a.device == b.device && a.inode == b.inode;
}

bool is_untouched(const FileIdentity& a, const FileIdentity& b) {
    return is_same_file(a, b) && a.size == b.size && a.mtime.tv_sec == b.mtime.tv_sec &&
           a.mtime.tv_nsec == b.mtime.tv_nsec;
}

Fingerprint fingerprint_of(int fd) {
    const UniqueFd file{::open(path_of(fd).c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    std::uint64_t hash = 0;
    mix(hash, size);
    std::vector<char> piece(piece_bytes);
    for (const std::uint64_t start : pieces_of(size)) {
        const ssize_t got = ::pread(file.get(), piece.data(), piece.size(), static_cast<off_t>(start));
        if (got < 0) return std::nullopt;
        mix(hash, piece.data(), static_cast<std::size_t>(got));
    }
    return hash;
}

}  // namespace sup
