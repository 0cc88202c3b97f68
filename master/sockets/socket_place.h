// Where a unix socket is to be put.
#pragma once

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "config/config.h"

namespace sup {

struct SocketPlace {
    UniqueFd folder;   // O_PATH
    std::string name;  // in the folder
    // O_PATH: the stale socket file that is there; empty if nothing is there. While it is open, no other file
    // gets its inode number.
    UniqueFd stale;
};

// Whether a socket may be put at this absolute path: the folder can be written to, and nothing is there, or a
// stale socket, which only connecting to it can show. The error says what or who is there, as a
// phrase without the path.
Result<SocketPlace> find_place(const std::string& path, config::Transport transport);

}  // namespace sup
