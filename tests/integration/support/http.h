// A plain blocking HTTP/1.1 client that never retries and never hides how an answer ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/unique_fd.h"
#include "tests/integration/support/endpoint.h"
#include "tests/integration/support/wait.h"

namespace sup::test {

struct Answer {
    int status = 0;                              // 0: there was no whole answer, see `error`
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    std::string error;

    bool ok() const { return status == 200; }
};

// What the example worker says of itself.
struct Hello {
    pid_t pid = 0;
    pid_t parent = 0;
    int generation = 0;
    std::string version;
};
std::optional<Hello> parse_hello(const std::string& body);

// The text of a GET request.
std::string request(const std::string& path, bool keep_alive = false);

// One connection. error() says what went wrong first; everything after that does nothing.
class HttpConnection {
public:
    explicit HttpConnection(const Endpoint& endpoint);

    void send(std::string_view bytes);
    // The next whole answer: to its Content-Length, its last chunk, or the end of the connection.
    Answer receive(std::chrono::milliseconds deadline = patience);
    // Whether there is something to receive, or the connection has ended.
    bool readable() const;
    // Whether the server closes the connection in order, with nothing more to say.
    bool ends_in_order(std::chrono::milliseconds deadline = patience);

    const std::string& error() const { return error_; }

private:
    bool read_more();  // false at the end of the connection, and on an error
    bool need(std::size_t size);
    bool need_line(std::string& line);
    std::string read_body(Answer& answer);
    std::string read_chunks();

    UniqueFd fd_;
    std::string buffer_;
    std::string error_;
    bool ended_ = false;
    std::chrono::steady_clock::time_point deadline_;
};

// One request on a connection of its own.
Answer get(const Endpoint& endpoint, const std::string& path = "/",
           std::chrono::milliseconds deadline = patience);

// The same, and what the example worker said; zeros when there was no good answer.
Hello hello(const Endpoint& endpoint);

}  // namespace sup::test
