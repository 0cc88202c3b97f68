// What a client asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sup/http/peer.h"

namespace sup::http {

class Exchange;
struct Head;
class Response;

// Any other method is `other`, and it is up to the handler to serve or refuse it (501, or 405 if it is
// known): method_name() says which. CONNECT is refused by the library.
enum class Method : std::uint8_t { get, head, post, put, del, options, trace, patch, other };

// Lives as long as its exchange: it and all its views are valid until the answer is complete, or the client
// has gone, and every Response to it has gone as well. If you keep a Response, you may keep the views; see
// Response::request(). Belongs to the loop's thread.
class Request {
public:
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    Method method() const;
    std::string_view method_name() const;  // as sent; case-sensitive

    std::string_view target() const;  // as sent: "/sleep?ms=20"
    std::string_view path() const;    // up to the question mark, not decoded, without scheme and host
    std::string_view query() const;   // what follows it, not decoded

    // The value of `name` in a query of the form a=1&b=2, not decoded; an empty view for "a" alone.
    std::optional<std::string_view> query_value(std::string_view name) const;

    // The path with its %XX decoded; nothing if one of them is malformed or stands for NUL. May contain ".."
    // and, from %2F, slashes that did not separate segments: be careful with files.
    std::optional<std::string> decoded_path() const;

    // "example.org:8080": from the target if it has one, else from the Host header; may be empty.
    std::string_view authority() const;

    // The name of the listener that the connection came in through, in whatever generation.
    std::string_view listener() const;
    // Who sent the request. Call this while the client is there: after a reset it is no longer known.
    const Peer& peer() const;

    int minor_version() const;  // 1 for HTTP/1.1, 0 for HTTP/1.0

    // The first header of that name (any case), without surrounding white space.
    std::optional<std::string_view> header(std::string_view name) const;
    // All headers of that name, in the order in which they were sent.
    std::vector<std::string_view> headers(std::string_view name) const;
    std::size_t header_count() const;
    std::string_view header_name(std::size_t index) const;
    std::string_view header_value(std::size_t index) const;

    // A trailer that followed a chunked body, once that has been read to its end (RFC 9110, 6.5).
    std::optional<std::string_view> trailer(std::string_view name) const;

    bool has_body() const;
    std::optional<std::uint64_t> content_length() const;  // nothing if there is no body or it is chunked

    // Called for each piece of the body as it arrives, and once with `last` and an empty piece at its end.
    // `piece` is valid during the call. There are no more calls once the client has gone or the request was
    // refused midway: Response::on_gone() reports that.
    using BodyReader = std::function<void(std::string_view piece, bool last, Response& response)>;

    // Asks for the body. It is read no faster than the client takes the answer that is being streamed back,
    // and not at all while Response::pause_body() holds. A body above `limit` bytes is refused with 413 (or
    // the connection is cut, when an answer was already begun). A handler that does not ask gets no body: the
    // library discards it.
    void read_body(std::uint64_t limit, BodyReader reader);

    // `problem`: 0, or the errno of the write that failed (ENOSPC: the disk is full).
    using BodySaved = std::function<void(int problem, Response& response)>;

    // Writes the body into an open file (or a pipe, or the like), from its current position, on libuv's pool;
    // it reads no faster than the file takes it. `done` is called when all of it has been written, or when
    // a write has failed. Beyond `limit`, and for other endings, it is like read_body(). `descriptor` stays
    // yours, and may be closed at once.
    void save_body(int descriptor, std::uint64_t limit, BodySaved done);

private:
    friend class Exchange;
    const Head& head(const char* what) const;
    explicit Request(Exchange& exchange) : exchange_(exchange) {}

    Exchange& exchange_;
};

}  // namespace sup::http
