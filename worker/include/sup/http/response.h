// The answer to one request: a handle that may be copied, kept, and used after the handler has returned.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sup/http/file.h"
#include "sup/http/reply.h"

struct stat;

namespace sup {
class UniqueFd;
}

namespace sup::worker {
class Connections;
struct Drain;
}  // namespace sup::worker

namespace sup::http {

class Exchange;
struct FilePart;
class Request;
enum class Misuse : std::uint8_t;

// When the client has gone, everything here does nothing. Dropping the last copy without an answer sends a
// 500; dropping it in the middle of a streamed answer cuts the connection, so that the client sees that
// something is missing. Belongs to the loop's thread.
//
// Functions that return a bool return false if the client has gone, or if the call was a mistake: then it did
// nothing, or not what was asked for, and the log explains the first mistake of each kind.
//
// A Response that was moved from, or detached, no longer knows its request: functions that return a bool
// return false, the others do nothing, and nothing is logged. After the answer's end the functions that
// return nothing do nothing either, and that is no mistake: the client may have ended it.
//
// No function of a Response, its destructor included, calls the handler or a callback before it returns; only
// on_half_closed() and on_drain() may call what they are given. What a call brings about, the client's next
// request for example, follows later from the loop. So a handler may add to the container whose Responses
// you are answering, and on_gone() may remove from it.
class Response {
public:
    using Header = std::pair<std::string_view, std::string_view>;

    Response(const Response& other);
    Response(Response&& other) noexcept;
    Response& operator=(Response other) noexcept;
    ~Response();

    // The request that this answers; not for a Response that was moved from.
    const Request& request() const;

    // False if the client has gone, the answer is complete, or it was started and may have no body (for HEAD,
    // or with 204, 205 or 304): there is nothing left to write().
    bool open() const;

    // Adds a header; before send() or start(). False, and left out: Date, Content-Length, Transfer-Encoding
    // and Connection, which are the library's; what is no name (RFC 9110, 5.6.2); a value with control
    // characters other than tab; a second Content-Type, ETag or Last-Modified; an ETag without its quotes. A
    // Content-Type from here replaces that of send() or start(), and the other two replace what send_file()
    // knows.
    bool header(std::string_view name, std::string_view value);

    // Ends the connection after this answer, which says so (Connection: close) if this is called before the
    // answer is begun.
    void close_after();

    // Sends an interim answer: 103 with Link headers, or 102. Any number of times, before send() or start().
    // Sends all of `headers` or nothing; false also for HTTP/1.0, which has no interim answers.
    bool inform(int status, std::initializer_list<Header> headers);

    // The whole answer; what the client does not take at once is kept in memory. One that does not fit into
    // Options::output_budget arrives only if its client takes it as fast as is said there, and others may
    // have to wait for it: stream what may become large, or send a file. For HEAD the body is left out, but
    // its length is sent. `status` is from 200 to 599, or nothing is sent. A `content_type` with control
    // characters becomes application/octet-stream, and a body for 204, 205 or 304 is left out; both also
    // return false. With an empty `content_type`, none is sent.
    bool send(int status, std::string_view body, std::string_view content_type = "text/plain");

    // A streamed answer: start, write…, end. Without a length it is chunked (for HTTP/1.0: ended by closing).
    // Otherwise like send().
    bool start(int status, std::optional<std::uint64_t> length = std::nullopt,
               std::string_view content_type = "text/plain");

    // If this is false while open() is true, wait for on_writable(): the client takes its answer more slowly
    // than it is made. What is written anyway is kept in memory. Writing more than the length given to
    // start() cuts the connection.
    bool write(std::string_view piece);
    // Completes the answer; if it is shorter than the length given to start(), the connection is cut.
    bool end();

    // A file as the answer to GET or HEAD, sent by the kernel (sendfile(2)) at the client's pace. Takes the
    // descriptor in any case. Content-Length, ETag, Last-Modified and Accept-Ranges are sent, and Range,
    // If-Range, If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since honoured: 206, 304, 412
    // and 416 are among the answers. One range only; if several are asked for, the whole file is sent. Also
    // false, with nothing sent, if it is not a regular file, or not open for reading. If the file is
    // truncated while it is sent, the connection is cut.
    bool send_file(int descriptor, const FileOptions& options = {});

    // Answers 101, and once that has been sent the connection belongs to `to`, with its listener, what the
    // client has sent after the request, and `state` (Connection::take_state(), in the version that `to`
    // writes). False, and nothing was sent, also if the request did not ask for `protocol` (Upgrade and
    // Connection headers, HTTP/1.1), or has a body that was not read to its end. Then answer it: 426, or 400.
    bool upgrade(std::string_view protocol, worker::Connections& to, std::string state = {});

    // Called, once for each time it is set, when so much of what was written is on its way that write() is
    // worthwhile again (at most half of Options::output_high_water still waits). If the callback sets it anew
    // without having written anything, it is not called before something more was written and has left: if
    // you have nothing to write, wait for whatever brings it.
    void on_writable(std::function<void(Response&)> callback);

    // Called once when the exchange ends before the answer was complete, or before a file of it was sent: the
    // client has gone, the answer was cut, or the library has refused the request midway (408, 413, 400). It
    // may destroy the answer's Responses.
    void on_gone(std::function<void()> callback);

    // Called once when the client closes its side of the connection before the answer is complete; at once if
    // it already has. The client may still be waiting for its answer (shutdown(2)), or have closed entirely:
    // TCP shows which only when something is sent. For handlers that would otherwise wait or work for long.
    void on_half_closed(std::function<void(Response&)> callback);

    // Called once when the worker drains before the answer is complete; at once if it is already draining.
    // For answers that wait for something or never end by themselves: end them, and the client asks again. An
    // answer that continues anyway is cut when `Drain::left` has passed.
    void on_drain(std::function<void(Response&, const worker::Drain&)> callback);

    // Pauses and resumes the request's body: for handlers that cannot take it as fast as it comes.
    void pause_body();
    void resume_body();

    // Lets another thread answer; before send() or start(). This handle is then empty; headers that it was
    // given are kept.
    Reply detach() &&;

    // Gives up: cuts the connection, even in the middle of a file.
    void abort();

private:
    friend class Protocol;
    explicit Response(Exchange* exchange);
    enum class Stage : std::uint8_t { gone, nothing, streaming, complete };

    void check(const char* what) const;
    Stage stage(const char* what) const;
    bool live(const char* what) const;
    bool misuse(Misuse kind, std::string_view detail = {}) const;
    bool begins(const char* what, int status) const;
    bool fit(int status, std::uint64_t length, std::string_view& type) const;
    struct FileVersion {
        std::string etag;
        std::time_t modified = 0;
    };
    FileVersion tell_version(const struct stat& file, std::string_view wanted);
    void send_part(UniqueFd file, const FilePart& part, std::uint64_t size, std::string_view type);
    bool write_late(std::string_view piece) const;
    bool end_bodiless();

    Exchange* exchange_;
};

}  // namespace sup::http
