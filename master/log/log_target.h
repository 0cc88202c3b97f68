// Where the bytes of a log go: a descriptor of any kind, written to without ever waiting for its reader.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/unique_fd.h"

namespace sup {

// Main thread only.
//
// O_NONBLOCK is a flag of the open file, which standard error shares with whoever started sup and with its
// workers: it is never set there. A pipe or terminal is opened once more instead (proc(5)), which makes an
// open file of our own; a socket has MSG_DONTWAIT; and for what cannot be reopened (another user's
// pipe) there is RWF_NOWAIT, or, on a kernel that does not have it for pipes (before 6.5), small pieces
// when poll(2) says that there is room.
class LogTarget {
public:
    LogTarget() = default;
    // `shared`: others have the same open file.
    LogTarget(UniqueFd fd, bool shared);

    struct Written {
        std::size_t bytes = 0;
        int error = 0;  // an errno; EAGAIN: the reader does not take more now
    };
    // May write less than all without an error. A reader that has gone is EPIPE.
    Written write(std::string_view bytes) const;

    int fd() const { return fd_.get(); }
    bool is_file() const { return kind_ == Kind::file; }
    // Each write is a message: it must be one line.
    bool takes_messages() const { return kind_ == Kind::messages; }

private:
    enum class Kind { file, stream, socket, messages };
    Written write_shared(std::string_view bytes) const;

    UniqueFd fd_;
    Kind kind_ = Kind::stream;
    bool shared_ = false;
    bool terminal_ = false;
};

}  // namespace sup
