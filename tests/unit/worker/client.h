// A client on a real socket, for tests. Every wait has a deadline far above what any machine needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/unique_fd.h"

namespace sup::test {

struct Answer {
    int status = 0;  // 0: the connection ended, or nothing came in time
    std::string head;
    std::string body;

    bool says_close() const { return head.find("Connection: close\r\n") != std::string::npos; }
};

class Client {
public:
    // `address` as listeners tell it: "127.0.0.1:4711".
    explicit Client(const std::string& address);

    void send(std::string_view bytes);
    // What one non-blocking send takes; 0 when the server has stopped reading.
    std::size_t try_send(std::string_view bytes);
    void end_sending();

    // The next answer, by its Content-Length or chunked (the body then without the framing). `head_only` for
    // HEAD.
    Answer receive(bool head_only = false);
    std::string receive_bytes(std::size_t count);
    // Everything up to the server's end of the connection; nothing when it was reset or did not end in time.
    std::optional<std::string> receive_to_end();
    // The server has ended its side in order, and sent nothing before.
    bool ended_in_order();
    // The connection was reset, after whatever.
    bool was_reset();
    bool has_bytes(int within_milliseconds);

    int fd() const { return socket_.get(); }

private:
    bool fill();

    UniqueFd socket_;
    std::string received_;
    bool ended_ = false;
    bool reset_ = false;
};

// One request on a connection of its own.
Answer request(const std::string& address, const std::string& bytes);

// Polls until `condition` holds; false when it did not in half a minute.
template <typename Condition>
bool eventually(Condition condition);

void pause_briefly();

template <typename Condition>
bool eventually(Condition condition) {
    for (int i = 0; i < 6000; ++i) {
        if (condition()) return true;
        pause_briefly();
    }
    return false;
}

}  // namespace sup::test
