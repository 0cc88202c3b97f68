#include "master/spawn/binary_formats.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace sup {
namespace {

namespace fs = std::filesystem;

// "7f454c46": empty when it is none.
std::string from_hex(const std::string& digits) {
    std::string bytes;
    for (std::size_t at = 0; at + 2 <= digits.size(); at += 2) {
        unsigned value = 0;
        if (std::from_chars(&digits[at], &digits[at] + 2, value, 16).ec != std::errc{}) return {};
        bytes += static_cast<char>(value);
    }
    return bytes;
}

// As the kernel shows it: lines of a word and a value.
struct Entry {
    bool enabled = false;
    std::size_t offset = 0;
    std::string magic;
    std::string mask;  // empty: every bit counts
};

Entry read_entry(const fs::path& file) {
    Entry entry;
    std::ifstream lines{file};
    std::string word;
    while (lines >> word) {
        std::string value;
        if (word == "enabled") entry.enabled = true;
        if (word == "offset") lines >> entry.offset;
        if (word == "magic" && lines >> value) entry.magic = from_hex(value);
        if (word == "mask" && lines >> value) entry.mask = from_hex(value);
    }
    return entry;
}

bool matches(const Entry& entry, std::string_view start) {
    if (!entry.enabled || entry.magic.empty() || entry.offset > start.size()) return false;
    const std::string_view there = start.substr(entry.offset, entry.magic.size());
    if (there.size() < entry.magic.size()) return false;
    for (std::size_t i = 0; i < there.size(); ++i) {
        const unsigned mask = i < entry.mask.size() ? static_cast<unsigned char>(entry.mask[i]) : 0xFFU;
        const auto difference = static_cast<unsigned char>(there[i] ^ entry.magic[i]);
        if ((difference & mask) != 0) return false;
    }
    return true;
}

}  // namespace

bool is_registered(std::string_view start, const std::string& folder) {
    std::error_code none;
    fs::directory_iterator entries(folder, none);
    return !none && std::any_of(begin(entries), end(entries), [&](const fs::directory_entry& file) {
        const std::string name = file.path().filename();
        return name != "register" && name != "status" && matches(read_entry(file.path()), start);
    });
}

}  // namespace sup
