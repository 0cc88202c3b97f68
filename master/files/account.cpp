#include "master/files/account.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sup {
namespace {

// Every id but the one that means "none" (chown(2)).
std::optional<std::uint32_t> number(const std::string& text) {
    std::uint32_t id = 0;
    const char* end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, id);
    if (problem != std::errc{} || rest != end || id == UINT32_MAX) return std::nullopt;
    return id;
}

// `look_up` is getpwnam_r(3) or getgrnam_r(3), which want room of a size that nobody knows.
template <typename Entry, typename LookUp>
Result<Entry> find_entry(std::string_view what, const std::string& name, LookUp look_up) {
    const std::string account = std::string(what).append(" ").append(name);
    constexpr std::size_t most_room = 1 << 20;
    for (std::vector<char> room(1024); room.size() <= most_room; room.resize(room.size() * 4)) {
        Entry entry{};
        Entry* found = nullptr;
        const int problem = look_up(name.c_str(), &entry, room.data(), room.size(), &found);
        if (problem == ERANGE) continue;
        if (found != nullptr) return entry;
        if (problem == 0 || problem == ENOENT) return Error{"there is no " + account};
        return errno_error(account, problem);
    }
    return Error{account + " has too large an entry"};
}

}  // namespace

Result<uid_t> find_user(const std::string& name_or_number) {
    if (const auto id = number(name_or_number)) return *id;
    const auto entry = find_entry<passwd>("user", name_or_number, ::getpwnam_r);
    if (!entry) return entry.error();
    return entry->pw_uid;
}

Result<gid_t> find_group(const std::string& name_or_number) {
    if (const auto id = number(name_or_number)) return *id;
    const auto entry = find_entry<group>("group", name_or_number, ::getgrnam_r);
    if (!entry) return entry.error();
    return entry->gr_gid;
}

}  // namespace sup
