#include "worker/http/parser.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "worker/http/head_rules.h"
#include "worker/http/target.h"
#include "worker/http/text.h"

namespace sup::http {
namespace {

// RFC 9112, 3: a client that sends a longer one than any that is served is told so.
constexpr std::size_t longest_method = 64;

struct Named {
    std::string_view name;
    Method method;
};

Method method_of(std::string_view name) {
    constexpr std::array<Named, 8> known{{{"GET", Method::get},
                                          {"POST", Method::post},
                                          {"HEAD", Method::head},
                                          {"PUT", Method::put},
                                          {"DELETE", Method::del},
                                          {"OPTIONS", Method::options},
                                          {"PATCH", Method::patch},
                                          {"TRACE", Method::trace}}};
    for (const Named& one : known) {
        if (one.name == name) return one.method;
    }
    return Method::other;
}

}  // namespace

Parser::Parser() : llhttp_{} {}

const llhttp_settings_t& Parser::settings() {
    static const llhttp_settings_t callbacks = [] {
        llhttp_settings_t all;
        llhttp_settings_init(&all);
        all.on_url = on_target;
        all.on_header_field = on_name;
        all.on_header_field_complete = on_name_complete;
        all.on_header_value = on_value;
        all.on_headers_complete = on_head;
        return all;
    }();
    return callbacks;
}

// llhttp knows a list of methods, and some change what it reads. Any token may be a method (RFC 9110, 9.1),
// and none but CONNECT changes how a request is framed: so each is read here, and llhttp goes on as behind
// this one.
const llhttp_t& Parser::after_method() {
    static const llhttp_t primed = [] {
        constexpr std::string_view method = "POST ";
        llhttp_t parser;
        llhttp_init(&parser, HTTP_REQUEST, &settings());
        // Every "HTTP/x.y" is let through, so that check_head() can answer 505 where only the version is
        // wrong.
        parser.lenient_flags |= LENIENT_VERSION;
        if (llhttp_execute(&parser, method.data(), method.size()) != HPE_OK) std::abort();
        return parser;
    }();
    return primed;
}

void Parser::reset(const ParserLimits& limits) {
    llhttp_ = after_method();
    llhttp_.data = this;
    limits_ = limits;
    head_.method = Method::other;
    head_.method_name = {};
    head_.target = {};
    head_.authority = {};
    head_.minor_version = 0;
    head_.keep_alive = false;
    head_.expect_continue = false;
    head_.chunked = false;
    head_.content_length = 0;
    head_.headers.clear();
    fed_ = 0;
    left_ = 0;
    refusal_ = 0;
    name_complete_ = true;
    folded_ = false;
    too_many_headers_ = false;
}

// llhttp hands out a part in several pieces when the bytes came in several; they are adjacent, unless a
// folded line is between them.
void Parser::extend(Range& range, const char* at, std::size_t size) {
    const auto begin = static_cast<std::uint32_t>(at - message_);
    if (range.size == 0) range.begin = begin;
    if (begin != range.end()) folded_ = true;
    range.size += static_cast<std::uint32_t>(size);
}

int Parser::on_target(llhttp_t* parser, const char* at, std::size_t size) {
    Parser& me = self(parser);
    me.extend(me.head_.target, at, size);
    return HPE_OK;
}

int Parser::on_name(llhttp_t* parser, const char* at, std::size_t size) {
    Parser& me = self(parser);
    if (me.name_complete_) me.head_.headers.emplace_back();
    me.name_complete_ = false;
    me.extend(me.head_.headers.back().name, at, size);
    return HPE_OK;
}

// The place to count: whether on_name() is called for half a name depends on how the bytes were cut.
int Parser::on_name_complete(llhttp_t* parser) {
    Parser& me = self(parser);
    me.name_complete_ = true;
    me.too_many_headers_ = me.head_.headers.size() > me.limits_.headers;
    return me.too_many_headers_ ? HPE_USER : HPE_OK;
}

int Parser::on_value(llhttp_t* parser, const char* at, std::size_t size) {
    Parser& me = self(parser);
    if (me.head_.headers.empty()) return HPE_USER;  // a line without a name
    me.extend(me.head_.headers.back().value, at, size);
    return HPE_OK;
}

// llhttp is done: the body is read without it.
int Parser::on_head(llhttp_t* /*parser*/) {
    return HPE_PAUSED;
}

Parser::Step Parser::refuse(int status) {
    refusal_ = status;
    return Step::refused;
}

// A CR may begin an empty line, which any reader of the message ignores (RFC 9112, 2.2).
Parser::Step Parser::read_method(std::string_view message) {
    const std::string_view most = message.substr(0, longest_method + 1);
    const std::string_view name = most.substr(0, token_chars.span(most));
    if (name.size() > longest_method) return refuse(501);
    if (name.size() == message.size() || message == "\r") return Step::need_more;
    if (name.empty() || message[name.size()] != ' ') return refuse(400);
    if (name == "CONNECT") return refuse(501);
    head_.method = method_of(name);
    head_.method_name = Range::of(name, message.data());
    fed_ = name.size() + 1;
    return Step::head;
}

Parser::Step Parser::parse_head(std::string_view message) {
    const std::string_view within = message.substr(0, limits_.head_bytes);
    message_ = within.data();
    if (fed_ == 0) {
        const Step method = read_method(within);
        if (method != Step::head) return method;
    }
    const llhttp_errno_t result = llhttp_execute(&llhttp_, within.data() + fed_, within.size() - fed_);
    if (result == HPE_OK) {
        fed_ = within.size();
        if (within.size() < limits_.head_bytes) return Step::need_more;
        const bool still_in_target = head_.headers.empty() && name_complete_;
        return refuse(still_in_target ? 414 : 431);
    }
    if (result != HPE_PAUSED) return refuse(too_many_headers_ ? 431 : 400);
    fed_ = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - within.data());
    return accept_head(within);
}

Parser::Step Parser::accept_head(std::string_view message) {
    const int status = check_head(message.substr(0, fed_));
    if (status != 0) return refuse(status);
    left_ = head_.content_length;
    if (head_.chunked) chunked_.reset(limits_.head_bytes, limits_.headers);
    return Step::head;
}

// llhttp takes more than one space before the target, and HTTP/0.9 requests without a version.
bool Parser::is_request_line(std::string_view head) const {
    constexpr std::string_view protocol = " HTTP/";
    return head_.target.begin == head_.method_name.end() + 1 &&
           head.substr(head_.target.end(), protocol.size()) == protocol;
}

// llhttp 8.1 takes lines that end in a bare CR or LF, that are folded, or that have no name (all of them have
// been used to smuggle requests past somebody). It knows of no such byte in names and values, so only what
// lies between these is looked at. `head` ends with the empty line.
bool Parser::lines_are_strict(std::string_view head) const {
    if (folded_) return false;
    const auto is = [&](std::size_t at, char c) { return at < head.size() && head[at] == c; };
    std::size_t at = head_.target.end() + std::string_view(" HTTP/1.1").size();
    for (const auto& [name, value] : head_.headers) {
        const bool begins = is(at, '\r') && is(at + 1, '\n') && name.begin == at + 2;
        if (!begins || name.size == 0 || !is(name.end(), ':')) return false;
        at = name.end() + 1;
        while (is(at, ' ') || is(at, '\t')) ++at;
        if (value.size == 0) continue;
        if (value.begin != at) return false;
        at = value.end();
    }
    return head.substr(std::min(at, head.size())) == "\r\n\r\n";
}

int Parser::check_head(std::string_view head) {
    if (!is_request_line(head) || !lines_are_strict(head)) return 400;
    if (llhttp_.http_major != 1) return 505;
    head_.minor_version = llhttp_.http_minor;
    std::string_view authority;
    const int target = judge_target(head_.method, head_.target.in(head.data()), authority);
    if (target != 0) return target;
    if (!authority.empty()) head_.authority = Range::of(authority, head.data());
    HeadRules rules(head_, head.data());
    for (const HeaderRange& header : head_.headers) {
        const int status = rules.take(header);
        if (status != 0) return status;
    }
    return rules.finish();
}

Parser::Step Parser::parse_body(std::string_view bytes, std::size_t& used, std::string_view& piece) {
    return head_.chunked ? parse_chunked(bytes, used, piece) : parse_length(bytes, used, piece);
}

Parser::Step Parser::parse_length(std::string_view bytes, std::size_t& used, std::string_view& piece) {
    used = std::min<std::uint64_t>(left_, bytes.size());
    if (left_ == 0) return Step::end;
    if (used == 0) return Step::need_more;
    left_ -= used;
    piece = bytes.substr(0, used);
    return Step::body;
}

Parser::Step Parser::parse_chunked(std::string_view bytes, std::size_t& used, std::string_view& piece) {
    switch (chunked_.read(bytes, used, piece)) {
        case ChunkedReader::Step::need_more: return Step::need_more;
        case ChunkedReader::Step::piece: return Step::body;
        case ChunkedReader::Step::end: return Step::end;
        case ChunkedReader::Step::refused: return refuse(chunked_.refusal());
    }
    std::abort();
}

}  // namespace sup::http
