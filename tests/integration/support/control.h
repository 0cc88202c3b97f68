// A caller at an instance's control socket that may also misbehave.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/unique_fd.h"
#include "tests/integration/support/wait.h"

namespace sup::test {

class ControlClient {
public:
    explicit ControlClient(const std::filesystem::path& socket);

    bool connected() const { return bool(fd_); }
    // Sends the bytes as they are; false when the other side does not take them.
    bool send(std::string_view bytes);
    // Sends a request and waits until the master has taken it from the socket.
    bool request(const std::string& line);
    // The next line; empty at the end of the connection and after the deadline.
    std::string line(std::chrono::milliseconds deadline = patience);
    // The next line that holds a result or an error; notifications before it are skipped.
    std::string response(std::chrono::milliseconds deadline = patience);
    bool closed_by_master(std::chrono::milliseconds deadline = patience);

private:
    UniqueFd fd_;
    std::string buffer_;
    bool ended_ = false;
};

// The outcome that a response to `reload` tells: its generation, and whether it was promoted. -1 where it is
// no such.
struct ReloadResponse {
    int generation = -1;
    std::string outcome;
};
ReloadResponse parse_reload_response(const std::string& line);

}  // namespace sup::test
