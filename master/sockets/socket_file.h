// The file by which clients find a unix socket.
//
// The socket is bound in a private directory beside its path, and that file is then renamed onto the path. So
// clients never find a path whose socket does not listen yet, a stale file is replaced in one step, no user
// with write permission in the folder can swap the file before it has its owner and mode, and the socket's
// own name (getsockname(2)) leads nowhere any more: a worker that removes "its" socket when it stops removes
// nothing.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "config/config.h"
#include "master/files/private_directory.h"
#include "master/sockets/original.h"
#include "master/sockets/socket_access.h"
#include "master/sockets/socket_place.h"

namespace sup {

class SocketFile {
public:
    // Binds `socket`, which nobody but this user can connect to until publish(). Errors are phrases without
    // the path.
    static Result<SocketFile> bind(int socket, const std::string& path, config::Transport transport);
    SocketFile(SocketFile&&) = default;
    SocketFile& operator=(SocketFile&&) = delete;
    // Removes the file, as remove() does.
    ~SocketFile();

    // Changes what is different. An owner or group that is no longer wanted becomes what it was before one
    // was. If the file cannot be given away, its mode admits only those whom the old or the new settings
    // admit.
    Status set_access(const SocketAccess& access) const;
    // Renames it onto the path, unless something else is there than was when it was bound.
    Status publish();
    // Whether the path is still this socket's: somebody may have removed or replaced the file.
    bool in_place() const;
    // Takes the file from its path, if it is still this socket's. The socket lives on.
    void remove() const;

private:
    struct Unpublished {
        SocketPlace place;
        PrivateDirectory directory;

        bool rename(unsigned flags) const;
    };
    SocketFile(std::string path, Unpublished unpublished, UniqueFd file);
    Status replace_stale() const;

    std::string path_;
    std::optional<Unpublished> unpublished_;  // until publish()
    UniqueFd file_;  // O_PATH: the file wherever it is; keeps its inode number from being given out again
    mutable Original<uid_t> owner_;
    mutable Original<gid_t> group_;
};

}  // namespace sup
