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

// Any other method is `other`, and for the handler to serve or refuse (501, or 405 where it is known):
// method_name() says which. CONNECT is refused by the library.
enum class Method : std::uint8_t { get, head, post, put, del, options, trace, patch, other };

// Lives as long as its exchange: it and all views that it gives are valid until the answer is complete, or
// the client has gone, and every Response of it has gone, too. Whoever keeps a Response may keep the views;
// see Response::request(). Belongs to the thread of the loop.
class Request {
public:
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    Method method() const;
    std::string_view method_name() const;  // as sent; case matters

    std::string_view target() const;  // as sent: "/sleep?ms=20"
    std::string_view path() const;    // up to the question mark, not decoded, without scheme and host
    std::string_view query() const;   // what follows it, not decoded

    // The value of `name` in a query of the form a=1&b=2, not decoded; an empty view for "a" alone.
    std::optional<std::string_view> query_value(std::string_view name) const;

    // The path with its %XX decoded; nothing when one of them is no such thing, or stands for NUL. May have
    // ".." and, from %2F, slashes that were none: be careful with files.
    std::optional<std::string> decoded_path() const;

    // "example.org:8080": of the target where it has one, else of the Host header; may be empty.
    std::string_view authority() const;

    // The name of the listener that the connection came by, in whatever generation.
    std::string_view listener() const;
    // Who asks. Ask while the client is there: of a connection that was reset nobody knows it any more.
    const Peer& peer() const;

    int minor_version() const;  // 1 for HTTP/1.1, 0 for HTTP/1.0

    // The first header of that name (any case), without surrounding white space.
    std::optional<std::string_view> header(std::string_view name) const;
    // All headers of that name, in the order in which they were sent.
    std::vector<std::string_view> headers(std::string_view name) const;
    std::size_t header_count() const;
    std::string_view header_name(std::size_t index) const;
    std::string_view header_value(std::size_t index) const;

    // What a body in chunks was followed by, once it was read to its end (RFC 9110, 6.5).
    std::optional<std::string_view> trailer(std::string_view name) const;

    bool has_body() const;
    std::optional<std::uint64_t> content_length()
        const;  // nothing when there is no body or it comes in chunks

    // Called for each piece of the body as it arrives, and once with `last` and an empty piece at its end.
    // `piece` is valid during the call. No more calls once the client has gone, or
    // the request was refused midway: Response::on_gone() tells.
    using BodyReader = std::function<void(std::string_view piece, bool last, Response& response)>;

    // Asks for the body. It is read no faster than the client takes the answer that is being streamed back,
    // and not at all while Response::pause_body() holds. A body above `limit` bytes is refused with 413 (or
    // the connection is cut, when an answer was already begun). A handler that does not ask gets none: the
    // library discards it.
    void read_body(std::uint64_t limit, BodyReader reader);

    // `problem`: 0, or the errno of what could not be written (ENOSPC: the disk is full).
    using BodySaved = std::function<void(int problem, Response& response)>;

    // Writes the body into an open file (or pipe, or the like), from its position on, on libuv's pool; what
    // comes faster than the file takes it is not read. `done` is called when all of it was written, or when
    // something could not be. Above `limit` and on other ends as read_body(). `descriptor` stays yours, and
    // may be closed at once.
    void save_body(int descriptor, std::uint64_t limit, BodySaved done);

private:
    friend class Exchange;
    const Head& head(const char* what) const;
    explicit Request(Exchange& exchange) : exchange_(exchange) {}

    Exchange& exchange_;
};

}  // namespace sup::http
