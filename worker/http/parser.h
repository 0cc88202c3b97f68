// Reads HTTP/1.x requests, one step at a time. llhttp (strict) takes heads apart; what it lets pass but
// RFC 9112 wants refused is refused on top of it. Knows bytes only: no sockets, no answers.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "worker/http/chunked.h"
#include "worker/http/head.h"

namespace sup::http {

struct ParserLimits {
    std::size_t head_bytes = 64 * 1024UL;
    std::size_t headers = 100;
};

// One message. reset() readies it for the next.
class Parser {
public:
    enum class Step {
        need_more,  // everything given was read
        head,       // the head is complete
        body,       // a piece of the body
        end,        // the message is complete
        refused,    // see refusal()
    };

    Parser();
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;

    void reset(const ParserLimits& limits);

    // `message` is everything received of this message so far, from its first byte, without empty lines
    // before it; it may lie elsewhere at each call. Returns need_more, head or refused. With `head`,
    // head_size() bytes of it were the head.
    Step parse_head(std::string_view message);

    // `bytes` continue the message after its head. Sets how many of them were used, and for `body` the piece
    // among them.
    Step parse_body(std::string_view bytes, std::size_t& used, std::string_view& piece);

    const Head& head() const { return head_; }
    // After the end: see ChunkedReader::trailer().
    std::optional<std::string_view> trailer(std::string_view name) const {
        return head_.chunked ? chunked_.trailer(name) : std::nullopt;
    }
    std::size_t head_size() const { return fed_; }  // 0 until the method was read
    int refusal() const { return refusal_; }        // the status to answer with

private:
    static const llhttp_settings_t& settings();
    static const llhttp_t& after_method();
    static Parser& self(llhttp_t* parser) { return *static_cast<Parser*>(parser->data); }
    static int on_target(llhttp_t* parser, const char* at, std::size_t size);
    static int on_name(llhttp_t* parser, const char* at, std::size_t size);
    static int on_name_complete(llhttp_t* parser);
    static int on_value(llhttp_t* parser, const char* at, std::size_t size);
    static int on_head(llhttp_t* parser);

    void extend(Range& range, const char* at, std::size_t size);
    Step refuse(int status);
    Step read_method(std::string_view message);
    Step accept_head(std::string_view message);
    int check_head(std::string_view head);
    bool is_request_line(std::string_view head) const;
    bool lines_are_strict(std::string_view head) const;
    Step parse_length(std::string_view bytes, std::size_t& used, std::string_view& piece);
    Step parse_chunked(std::string_view bytes, std::size_t& used, std::string_view& piece);

    llhttp_t llhttp_;
    ParserLimits limits_;
    Head head_;
    const char* message_ = nullptr;  // during parse_head()
    std::size_t fed_ = 0;            // bytes of the head that were read
    std::uint64_t left_ = 0;         // of a body with a length
    ChunkedReader chunked_;
    int refusal_ = 0;
    bool name_complete_ = true;
    bool too_many_headers_ = false;
    bool folded_ = false;
};

}  // namespace sup::http
