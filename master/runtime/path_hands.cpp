#include "master/runtime/path_hands.h"

#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

#include "master/runtime/most_links.h"

namespace sup {
namespace {

namespace fs = std::filesystem;

// In a user namespace who is not mapped, root of the machine too, appears as the overflow user.
std::optional<uid_t> unmapped_user() {
    std::ifstream map{"/proc/self/uid_map"};
    uid_t inside = 0;
    uid_t outside = 0;
    uid_t count = 0;
    map >> inside >> outside >> count;
    if (!map || count == std::numeric_limits<uid_t>::max()) return std::nullopt;
    std::ifstream overflow{"/proc/sys/kernel/overflowuid"};
    uid_t user = 0;
    if (!(overflow >> user)) return std::nullopt;
    return user;
}

class TrustWalk {
public:
    TrustWalk(const std::string& path, uid_t owner) : path_(path), owner_(owner), unmapped_(unmapped_user()) {
        push(path);
    }

    Status check() {
        if (Status root = look(at_); !root) return root;
        while (!todo_.empty()) {
            const fs::path name = todo_.front();
            todo_.pop_front();
            if (name == "..") at_ = at_.parent_path();
            if (name.empty() || name == "." || name == "..") continue;
            if (Status step = look(at_ / name); !step) return step;
            if (ended_) break;
        }
        return Success{};
    }

private:
    void push(const fs::path& path) {
        auto place = todo_.begin();
        for (const auto& part : path.relative_path()) place = std::next(todo_.insert(place, part));
    }

    bool trusted(uid_t user) const {
        if (user == 0 || user == ::geteuid()) return true;
        return (::geteuid() == 0 && user == owner_) || user == unmapped_;
    }

    Status look(const fs::path& place) {
        struct stat status {};
        ended_ = ::lstat(place.c_str(), &status) != 0;
        if (ended_) return Success{};
        if (!trusted(status.st_uid))
            return complaint(place, "belongs to user " + std::to_string(status.st_uid));
        if (S_ISLNK(status.st_mode)) return follow(place);
        ended_ = !S_ISDIR(status.st_mode);
        at_ = place;
        const bool by_group =
            (status.st_mode & S_IWGRP) != 0 && status.st_gid != 0 && status.st_gid != ::geteuid();
        const bool by_others = (status.st_mode & S_IWOTH) != 0;
        if (ended_ || (status.st_mode & S_ISVTX) != 0 || (!by_group && !by_others)) return Success{};
        return complaint(place, by_others ? "can be written to by everybody"
                                          : "can be written to by group " + std::to_string(status.st_gid));
    }

    Status follow(const fs::path& link) {
        std::error_code problem;
        const fs::path target = fs::read_symlink(link, problem);
        ended_ = static_cast<bool>(problem) || ++links_ > most_links;
        if (ended_) return Success{};
        if (target.is_absolute()) at_ = "/";
        push(target);
        return Success{};
    }

    Error complaint(const fs::path& place, const std::string& what) const {
        const std::string where = place == path_ ? "it " : place.string() + " ";
        return Error{"the runtime directory " + path_ + " is not safe from others: " + where + what +
                     "; change that, or set SUP_RUNTIME_DIR to another place"};
    }

    std::string path_;
    uid_t owner_;
    std::optional<uid_t> unmapped_;
    std::deque<fs::path> todo_;
    fs::path at_ = "/";
    int links_ = 0;
    bool ended_ = false;
};

}  // namespace

Status check_hands(const std::string& path, uid_t owner) {
    return TrustWalk(path, owner).check();
}

}  // namespace sup
