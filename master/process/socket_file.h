// The file by which clients find a unix socket.
//
// The socket is bound to a private name beside its path, and that file is then renamed onto the path. So
// clients never find a path whose socket does not listen yet, a stale file is replaced in one step, and the
// socket's own name (getsockname(2)) remains the private one, where there is nothing any more: a worker that
// removes "its" socket when it stops removes nothing.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "config/config.h"

namespace sup {

// config::FileAccess with the accounts looked up.
struct SocketAccess {
    mode_t mode = 0666;
    std::optional<uid_t> owner;
    std::optional<gid_t> group;
};
Result<SocketAccess> resolve_access(const config::FileAccess& access);

// Whether a socket may be put at `path`: nothing is there, or a socket file that nobody serves any more,
// which only connecting to it can show. The error says what or who is there, as a phrase without the path.
Status check_path_is_free(const std::string& path, config::Transport transport);

class SocketFile {
public:
    // Binds `socket`, which nobody but this user can connect to until publish().
    static Result<SocketFile> bind(int socket, const std::string& path);
    SocketFile(SocketFile&&) = default;
    SocketFile& operator=(SocketFile&&) = delete;
    // Removes the file, as remove() does.
    ~SocketFile();

    // Changes what is different. EPERM where this user may not.
    Status set_access(const SocketAccess& access) const;
    // Renames it onto the path, whatever is there.
    Status publish();
    // Whether the path is still this socket's: somebody may have removed or replaced the file.
    bool in_place() const;
    // Takes the file from its path, if it is still this socket's. The socket lives on.
    void remove() const;

    // The socket's own name, at which nothing is.
    const std::string& private_path() const noexcept { return private_path_; }

private:
    SocketFile(std::string path, std::string temporary, std::string private_path, UniqueFd file);

    std::string path_;
    std::string temporary_;  // where the file is until publish(); then empty
    std::string private_path_;
    UniqueFd file_;  // O_PATH: the file wherever it is; keeps its inode number from being given out again
};

}  // namespace sup
