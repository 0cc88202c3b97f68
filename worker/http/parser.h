// Reads HTTP/1.x requests, one step at a time: llhttp (strict), and on top of it what llhttp lets pass but
// RFC 9112 wants refused. Knows bytes only: no sockets, no answers.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sup::http {

// A part of a message's head, counted from the message's first byte: survives the bytes being moved.
struct Range {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;

    std::string_view in(const char* message) const { return {message + begin, size}; }
};

struct HeaderRange {
    Range name;
    Range value;
};

struct Head {
    std::uint8_t method = 0;  // llhttp's number
    std::uint8_t minor_version = 0;
    bool keep_alive = false;  // by version and Connection header
    bool expect_continue = false;
    bool chunked = false;
    std::uint64_t content_length = 0;  // 0 when chunked or without a body
    Range target;
    std::vector<HeaderRange> headers;

    bool has_body() const { return chunked || content_length > 0; }
};

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

    // `message` is everything received of this message so far, from its first byte; it may lie elsewhere at
    // each call. Returns need_more, head or refused. With `head`, head_size() bytes of it were the head.
    Step parse_head(std::string_view message);

    // `bytes` continue the message after its head. Sets how many of them were used, and for `body` the piece
    // among them.
    Step parse_body(std::string_view bytes, std::size_t& used, std::string_view& piece);

    const Head& head() const { return head_; }
    std::size_t head_size() const { return fed_; }
    int refusal() const { return refusal_; }  // the status to answer with

private:
    static const llhttp_settings_t& settings();
    static Parser& self(llhttp_t* parser) { return *static_cast<Parser*>(parser->data); }
    static int on_target(llhttp_t* parser, const char* at, std::size_t size);
    static int on_name(llhttp_t* parser, const char* at, std::size_t size);
    static int on_name_complete(llhttp_t* parser);
    static int on_value(llhttp_t* parser, const char* at, std::size_t size);
    static int on_head(llhttp_t* parser);
    static int on_piece(llhttp_t* parser, const char* at, std::size_t size);
    static int on_end(llhttp_t* parser);

    void extend(Range& range, const char* at, std::size_t size) const;
    Step refuse(int status);
    Step refuse_syntax(std::string_view message);
    Step judge_request_line(std::string_view message);
    Step accept_head(std::string_view message);
    int check_framing(std::string_view bytes);
    int check_head(std::string_view head);
    int check_header(std::string_view name, std::string_view value, int& hosts, int& codings);

    llhttp_t llhttp_;
    ParserLimits limits_;
    Head head_;
    const char* message_ = nullptr;  // during parse_head()
    std::size_t fed_ = 0;            // bytes of the head given to llhttp
    std::size_t framing_ = 0;        // bytes between pieces of the body: chunk sizes, extensions, trailers
    char last_framing_ = '\n';
    std::string_view piece_;  // during parse_body()
    int refusal_ = 0;
    bool in_head_ = true;
    bool name_complete_ = true;
    bool too_many_headers_ = false;
    bool unknown_method_ = false;
    bool ended_ = false;
};

}  // namespace sup::http
