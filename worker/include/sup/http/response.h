// The answer to one request: a handle that may be copied, kept, and used after the handler has returned.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace sup::http {

class Exchange;
class Request;

// When the client has gone, everything here does nothing. Dropping the last copy without an answer sends a
// 500; dropping it in the midst of a streamed answer cuts the connection, so that the client sees that
// something is missing. Belongs to the thread of the loop.
class Response {
public:
    Response(const Response& other);
    Response(Response&& other) noexcept;
    Response& operator=(Response other) noexcept;
    ~Response();

    // What is answered; not of a Response that was moved from.
    const Request& request() const;

    // False when the client has gone, the answer is complete, or it was started and may have no body (to
    // HEAD, or with 204 or 304): there is nothing to write() any more.
    bool open() const;

    // Adds a header; before send() or start(). Date, Content-Length, Transfer-Encoding and Connection are the
    // library's, and not taken, nor is what is no name (RFC 9110, 5.6.2). A Content-Type from here is told in
    // place of that of send() or start().
    void header(std::string_view name, std::string_view value);

    // The whole answer. For HEAD the body is left out and its length told.
    void send(int status, std::string_view body, std::string_view content_type = "text/plain");

    // A streamed answer: start, write…, end. Without a length it is chunked (for HTTP/1.0: ended by closing).
    void start(int status, std::optional<std::uint64_t> length = std::nullopt,
               std::string_view content_type = "text/plain");

    // False while open() asks to wait for on_drain(): the client takes its answer more slowly than it is
    // made. What is written all the same is kept in memory.
    bool write(std::string_view piece);
    void end();

    // Called, once for each time it is set, when so much of what was written is on its way that write() is
    // worth while again (at the most half of Options::output_high_water still waits); never from within
    // write().
    void on_drain(std::function<void(Response&)> callback);

    // Called once when the exchange ends before the answer was complete: the client has gone, the answer was
    // cut, or the library has refused the request midway (408, 413, 400).
    void on_gone(std::function<void()> callback);

    // Called once when the client ends its side of the connection before the answer was complete; at once if
    // it has already. It may wait for its answer still (shutdown(2)), or have closed altogether: TCP tells
    // which only when something is sent to it. For handlers that would go on waiting or working for long.
    void on_half_closed(std::function<void(Response&)> callback);

    // Holds the request's body back, and lets it flow again: for handlers that cannot take it as fast as it
    // comes.
    void pause_body();
    void resume_body();

    // Gives up: cuts the connection.
    void abort();

private:
    friend class Protocol;
    explicit Response(Exchange* exchange);
    bool live() const;

    Exchange* exchange_;
};

}  // namespace sup::http
