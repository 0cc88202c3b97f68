#include "master/runtime/instance_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <thread>
#include <utility>

#include "master/runtime/file.h"
#include "master/runtime/live_record.h"
#include "master/runtime/runtime_directory.h"

namespace sup {
namespace {

using namespace std::chrono_literals;

constexpr int claim_attempts = 20;
constexpr auto claim_pause = 10ms;
constexpr mode_t folder_mode = 0711;

Error in_use(const std::string& name, pid_t pid) {
    if (pid != 0) return Error{"instance " + name + " is already running (pid " + std::to_string(pid) + ")"};
    return Error{"instance " + name + " is being started or stopped by another sup right now"};
}

// 0: there is no pid file, or nothing in it.
pid_t read_pid(const std::string& path) {
    const auto contents = read_small_file(path);
    pid_t pid = 0;
    if (contents && *contents)
        std::from_chars((*contents)->data(), (*contents)->data() + (*contents)->size(), pid);
    return pid > 0 ? pid : 0;
}

bool exists(pid_t pid) {
    return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM);
}

// A unix socket's path is short; better said now than when the first worker starts.
Status check_socket_length(const InstancePaths& paths) {
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    constexpr auto many_workers = core::WorkerId{9'999'999};
    const std::string path = paths.notify_socket(many_workers);
    if (path.size() <= longest) return Success{};
    return Error{"the path of " + paths.folder + " is " + std::to_string(path.size() - longest) +
                 " bytes too long for the unix sockets in it; set SUP_RUNTIME_DIR to a shorter one"};
}

Status make_folder(const std::string& folder) {
    if (::mkdir(folder.c_str(), folder_mode) == 0) {
        if (::chmod(folder.c_str(), folder_mode) == 0 || errno == ENOENT) return Success{};
        return errno_error("cannot set the mode of " + folder);
    }
    if (errno != EEXIST) return errno_error("cannot create " + folder);
    struct stat status {};
    if (::lstat(folder.c_str(), &status) != 0) {
        if (errno == ENOENT) return Success{};  // just removed; the caller tries again
        return errno_error("cannot examine " + folder);
    }
    if (!S_ISDIR(status.st_mode)) return Error{folder + " is not a directory; remove it"};
    if (status.st_uid != ::geteuid()) {
        return Error{folder + " belongs to user " + std::to_string(status.st_uid) +
                     "; that user has to remove it"};
    }
    return Success{};
}

UniqueFd open_folder(const std::string& folder) {
    return UniqueFd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
}

// True also when it cannot be told (another user's).
bool is_locked(const UniqueFd& file) {
    if (!file) return errno == EACCES;
    return ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

// Everything that sup makes in the folder, but for the log and the lock.
bool is_leftover(std::string_view name) {
    constexpr std::array<std::string_view, 6> files{"pid",         "pid.new", "control.sock",
                                                    "control.new", "workers", "workers.new"};
    return name.starts_with("notify.") || name.starts_with("ack.") ||
           std::find(files.begin(), files.end(), name) != files.end();
}

Status remove_file(const std::string& path) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Success{};
    return errno_error("cannot remove " + path);
}

Status remove_leftovers(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> found;
    for (std::filesystem::directory_iterator entry{folder, error}, end; !error && entry != end;
         entry.increment(error)) {
        if (is_leftover(entry->path().filename().string())) found.push_back(entry->path().string());
    }
    if (error) return Error{"cannot read " + folder + ": " + error.message()};
    for (const auto& path : found) {
        if (auto removed = remove_file(path); !removed) return removed;
    }
    return Success{};
}

// Another master may have had the name meanwhile, and have died. Its record is all that is known of what it
// left.
Status refuse_others_workers(const InstanceDirectory& directory) {
    const auto record = read_live_record(directory.paths().live_workers);
    if (!record) return record.error();
    if (!*record || (*record)->master.pid == ::getpid() || still_alive(**record).empty()) return Success{};
    return Error{"the folder of " + directory.name() + " now belongs to another master, pid " +
                 std::to_string((*record)->master.pid) + ", which has died and left workers; run `sup stop " +
                 directory.name() + "` to end those"};
}

}  // namespace

InstanceDirectory::InstanceDirectory(std::string name, InstancePaths paths, UniqueFd lock, UniqueFd folder)
    : name_(std::move(name)), paths_(std::move(paths)), lock_(std::move(lock)), folder_(std::move(folder)) {}

Result<InstanceDirectory> InstanceDirectory::claim(const std::string& runtime_directory,
                                                   const std::string& name) {
    if (!is_instance_name(name)) return Error{"'" + name + "' cannot be the name of an instance"};
    InstancePaths paths{runtime_directory, name};
    if (auto checked = check_socket_length(paths); !checked) return checked.error();

    for (int attempt = 0; attempt < claim_attempts; ++attempt) {
        if (auto made = make_folder(paths.folder); !made) return made.error();
        UniqueFd lock{::open(paths.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!lock && errno == ENOENT) continue;  // its last holder removed the folder meanwhile
        if (!lock) return errno_error("cannot open " + paths.lock);
        UniqueFd folder = open_folder(paths.folder);
        if (!folder && errno == ENOENT) continue;
        if (!folder) return errno_error("cannot open " + paths.folder);
        if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 && ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) {
            if (is_file_at(lock.get(), paths.lock) && is_file_at(folder.get(), paths.folder))
                return InstanceDirectory{name, std::move(paths), std::move(lock), std::move(folder)};
            continue;
        }
        if (errno != EWOULDBLOCK) return errno_error("cannot lock " + paths.lock);
        if (const pid_t holder = read_pid(paths.pid); exists(holder)) return in_use(name, holder);
        // Without a living holder it is probe_instance() of somebody who looks, or a master that begins or
        // ends.
        std::this_thread::sleep_for(claim_pause);
    }
    return in_use(name, 0);
}

Status InstanceDirectory::clear_stale() {
    if (auto removed = remove_leftovers(paths_.folder); !removed) return removed;
    // In a folder that others share, somebody else may have taken that name; it is worth no failed start.
    [[maybe_unused]] const Status removed = remove_file(paths_.failed_start_log);
    return Success{};
}

Status InstanceDirectory::write_pid(pid_t pid) {
    return replace_file(paths_.pid, std::to_string(pid) + "\n");
}

Result<bool> InstanceDirectory::restore() {
    if (is_file_at(folder_.get(), paths_.folder)) return false;
    const std::string runtime_directory = std::filesystem::path(paths_.folder).parent_path().string();
    const RuntimeDirectory chosen = choose_runtime_directory(current_runtime_environment());
    if (auto made = create_runtime_directory({runtime_directory, chosen.shared}); !made) return made.error();
    auto claimed = claim(runtime_directory, name_);
    if (!claimed) return claimed.error();
    if (auto free = refuse_others_workers(*claimed); !free) return free.error();
    if (auto cleared = claimed->clear_stale(); !cleared) return cleared.error();
    *this = std::move(*claimed);
    return true;
}

Status InstanceDirectory::keep_log() {
    if (!is_file_at(folder_.get(), paths_.folder)) return Error{paths_.folder + " is no longer there"};
    if (::rename(paths_.log.c_str(), paths_.failed_start_log.c_str()) == 0) return Success{};
    return errno_error("cannot move " + paths_.log + " to " + paths_.failed_start_log);
}

Status InstanceDirectory::remove_all() {
    if (!is_file_at(folder_.get(), paths_.folder))
        return Success{};  // done before; what is there now is somebody else's
    if (auto removed = remove_leftovers(paths_.folder); !removed) return removed;
    for (const std::string& log : {paths_.log, paths_.older_log}) {
        if (auto removed = remove_file(log); !removed) return removed;
    }
    // From here on somebody else may take the name: whoever opened this lock file sees that it is not the one
    // at its path.
    if (auto removed = remove_file(paths_.lock); !removed) return removed;
    if (::rmdir(paths_.folder.c_str()) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST)
        return Success{};
    return errno_error("cannot remove " + paths_.folder);
}

InstanceState probe_instance(const InstancePaths& paths) {
    InstanceState state;
    struct stat status {};
    state.folder = ::lstat(paths.folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    const UniqueFd lock{::open(paths.lock.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    const bool file_locked = is_locked(lock);
    // Somebody who tidies up may have taken the file from under a living master.
    const UniqueFd folder = open_folder(paths.folder);
    state.locked = file_locked || (folder && is_locked(folder));
    if (lock || state.locked) state.pid = read_pid(paths.pid);
    return state;
}

Result<std::vector<std::string>> instance_names(const std::string& runtime_directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry{runtime_directory, error}, end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        std::error_code gone;
        if (is_instance_name(name) &&
            entry->symlink_status(gone).type() == std::filesystem::file_type::directory) {
            names.push_back(name);
        }
    }
    if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
        return Error{"cannot read " + runtime_directory + ": " + error.message()};
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool is_instance_name(const std::string& name) {
    constexpr std::size_t longest = 64;
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (name.empty() || name.size() > longest || name == "." || name == "..") return false;
    return name.find_first_not_of(allowed) == std::string::npos;
}

}  // namespace sup
