#include "worker/http/parser.h"

#include <algorithm>
#include <cstring>

#include "worker/http/text.h"

namespace sup::http {
namespace {

// llhttp 8.1 takes header lines that end in a bare CR, that are folded, or that have no name (all of them
// have been used to smuggle requests past somebody). `head` ends with the empty line.
bool lines_are_strict(std::string_view head) {
    std::size_t begin = 0;
    while (begin < head.size()) {
        const void* found = std::memchr(head.data() + begin, '\n', head.size() - begin);
        if (found == nullptr) return false;
        const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - head.data());
        if (end == begin || head[end - 1] != '\r') return false;
        const std::size_t size = end - 1 - begin;
        if (size > 0 && (head[begin] == ' ' || head[begin] == '\t' || head[begin] == ':')) return false;
        if (std::memchr(head.data() + begin, '\r', size) != nullptr) return false;
        begin = end + 1;
    }
    return head.find('\0') == std::string_view::npos;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "TOKEN TARGET HTTP/1.1" and a line end; the token was looked at before.
bool is_request_line(std::string_view line) {
    constexpr std::string_view ending = " HTTP/1.1\r\n";
    const std::size_t method = line.find(' ');
    if (method == std::string_view::npos || line.size() < method + 2 + ending.size()) return false;
    const std::string_view version = line.substr(line.size() - ending.size());
    const std::string_view target = line.substr(method + 1, line.size() - method - 1 - ending.size());
    return version.substr(0, 6) == ending.substr(0, 6) && is_digit(version[6]) && version[7] == '.' &&
           is_digit(version[8]) && version.substr(9) == "\r\n" &&
           target.find_first_of(std::string_view(" \t\r\0", 4)) == std::string_view::npos;
}

// A name, an IPv4 address or "[…]", perhaps with ":port" (RFC 9110, 7.2; RFC 3986, 3.2.2); it may be empty.
bool is_host(std::string_view host) {
    const bool literal = host.substr(0, 1) == "[";
    const std::size_t size = literal ? host.find(']') + 1 : std::min(host.find(':'), host.size());
    if (literal && size < 3) return false;  // also without the other bracket: npos + 1
    const std::string_view name = literal ? host.substr(1, size - 2) : host.substr(0, size);
    const std::string_view port = host.substr(size);
    const auto belongs = [literal](char c) {
        return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || (literal && c == ':') ||
               std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
    };
    return std::all_of(name.begin(), name.end(), belongs) &&
           (port.empty() || (port[0] == ':' && std::all_of(port.begin() + 1, port.end(), is_digit)));
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
        all.on_body = on_piece;
        all.on_message_complete = on_end;
        return all;
    }();
    return callbacks;
}

void Parser::reset(const ParserLimits& limits) {
    llhttp_init(&llhttp_, HTTP_REQUEST, &settings());
    llhttp_.data = this;
    // Every "HTTP/x.y" is let through, so that accept_head() can answer 505 where only the version is wrong.
    llhttp_.lenient_flags |= LENIENT_VERSION;
    limits_ = limits;
    head_.target = {};
    head_.headers.clear();
    fed_ = 0;
    framing_ = 0;
    refusal_ = 0;
    in_head_ = true;
    name_complete_ = true;
    too_many_headers_ = false;
    unknown_method_ = false;
    last_framing_ = '\n';
    ended_ = false;
}

// llhttp hands out a part in several pieces when the bytes came in several; they are adjacent, or
// check_head() refuses the folded line between them.
void Parser::extend(Range& range, const char* at, std::size_t size) const {
    const auto begin = static_cast<std::uint32_t>(at - message_);
    if (range.size == 0) range.begin = begin;
    range.size = begin + static_cast<std::uint32_t>(size) - range.begin;
}

int Parser::on_target(llhttp_t* parser, const char* at, std::size_t size) {
    Parser& me = self(parser);
    me.extend(me.head_.target, at, size);
    return HPE_OK;
}

int Parser::on_name(llhttp_t* parser, const char* at, std::size_t size) {
    Parser& me = self(parser);
    if (!me.in_head_) return HPE_OK;  // a trailer
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
    if (!me.in_head_) return HPE_OK;
    if (me.head_.headers.empty()) return HPE_USER;  // a line without a name
    me.extend(me.head_.headers.back().value, at, size);
    return HPE_OK;
}

int Parser::on_head(llhttp_t* parser) {
    self(parser).in_head_ = false;
    // An upgrade is an offer that a server may ignore (RFC 9110, 7.8); CONNECT is refused by check_head().
    parser->upgrade = 0;
    return HPE_PAUSED;
}

int Parser::on_piece(llhttp_t* parser, const char* at, std::size_t size) {
    self(parser).piece_ = {at, size};
    return HPE_PAUSED;
}

int Parser::on_end(llhttp_t* parser) {
    self(parser).ended_ = true;
    return HPE_PAUSED;
}

Parser::Step Parser::refuse(int status) {
    refusal_ = status;
    return Step::refused;
}

Parser::Step Parser::refuse_syntax(std::string_view message) {
    if (too_many_headers_) return refuse(431);
    if (llhttp_.error == HPE_PAUSED_H2_UPGRADE) return refuse(505);
    // A method of RTSP, with HTTP's version.
    if (llhttp_.error == HPE_INVALID_CONSTANT && llhttp_.method > HTTP_SOURCE) return refuse(501);
    if (llhttp_.error != HPE_INVALID_METHOD) return refuse(400);
    unknown_method_ = true;
    return judge_request_line(message);
}

// llhttp stops at the first letter that no method of its own has. Whether this is HTTP at all (501) or
// nonsense (400) shows when the line is complete.
Parser::Step Parser::judge_request_line(std::string_view message) {
    std::size_t most = limits_.head_bytes;
    for (; message.substr(0, 2) == "\r\n"; most -= 2) message.remove_prefix(2);
    const auto* stop = std::find_if_not(message.begin(), message.end(), is_token_char);
    if (stop != message.end() && (stop == message.begin() || *stop != ' ')) return refuse(400);
    const std::size_t end = message.find('\n');
    if (end == std::string_view::npos) return message.size() < most ? Step::need_more : refuse(414);
    return refuse(is_request_line(message.substr(0, end + 1)) ? 501 : 400);
}

Parser::Step Parser::parse_head(std::string_view message) {
    const std::string_view within = message.substr(0, limits_.head_bytes);
    message_ = within.data();
    if (unknown_method_) return judge_request_line(within);
    const llhttp_errno_t result = llhttp_execute(&llhttp_, within.data() + fed_, within.size() - fed_);
    if (result == HPE_OK) {
        fed_ = within.size();
        if (within.size() < limits_.head_bytes) return Step::need_more;
        const bool still_in_target = head_.headers.empty() && name_complete_;
        return refuse(still_in_target ? 414 : 431);
    }
    if (result != HPE_PAUSED) return refuse_syntax(within);
    fed_ = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - within.data());
    return accept_head(within);
}

Parser::Step Parser::accept_head(std::string_view message) {
    head_.method = llhttp_.method;
    head_.minor_version = llhttp_.http_minor;
    head_.keep_alive = llhttp_should_keep_alive(&llhttp_) != 0;
    head_.expect_continue = false;
    head_.chunked = (llhttp_.flags & F_CHUNKED) != 0;
    head_.content_length =
        (llhttp_.flags & F_CONTENT_LENGTH) != 0 && !head_.chunked ? llhttp_.content_length : 0;
    const int status = check_head(message.substr(0, fed_));
    if (status != 0) return refuse(status);
    llhttp_resume(&llhttp_);
    return Step::head;
}

int Parser::check_head(std::string_view head) {
    if (!lines_are_strict(head)) return 400;
    // llhttp also speaks RTSP and ICE, and takes HTTP/0.9 requests without a version.
    constexpr std::string_view protocol = " HTTP/";
    const std::size_t target_end = head_.target.begin + head_.target.size;
    if (head.substr(target_end, protocol.size()) != protocol) return 400;
    if (head_.target.begin < 2 || head[head_.target.begin - 2] == ' ') return 400;
    if (llhttp_.http_major != 1) return 505;
    if (head_.method == HTTP_CONNECT) return 501;
    int hosts = 0;
    int codings = 0;
    for (const HeaderRange& header : head_.headers) {
        const int status =
            check_header(header.name.in(head.data()), header.value.in(head.data()), hosts, codings);
        if (status != 0) return status;
    }
    // RFC 9112, 3.2: a request without a Host, or with two, is refused; HTTP/1.0 may leave it out.
    if (hosts > 1 || (hosts == 0 && head_.minor_version >= 1)) return 400;
    if (codings > 0 && head_.minor_version == 0) return 400;
    // llhttp does not take "chunked" with a tab behind it, which is legal, for chunked: what follows would be
    // read as the next request, while a proxy before us takes it for the body.
    if (codings > 0 && !head_.chunked) return 400;
    return 0;
}

int Parser::check_header(std::string_view name, std::string_view value, int& hosts, int& codings) {
    switch (name.size()) {
        case 4:
            if (!equal_ignoring_case(name, "host")) return 0;
            ++hosts;
            return is_host(trim(value)) ? 0 : 400;
        case 6:
            if (!equal_ignoring_case(name, "expect")) return 0;
            if (!equal_ignoring_case(trim(value), "100-continue")) return 417;
            head_.expect_continue = head_.minor_version >= 1;
            return 0;
        case 17:
            if (!equal_ignoring_case(name, "transfer-encoding")) return 0;
            if (++codings > 1) return 400;
            return equal_ignoring_case(trim(value), "chunked") ? 0 : 501;
        default: return 0;
    }
}

// What stands between the pieces of a body. llhttp takes a bare LF for the end of the trailers, drops
// trailers that are folded or have no name, and bounds neither chunk extensions nor trailers. Byte by byte,
// so that the first thing wrong decides however the bytes were cut.
int Parser::check_framing(std::string_view bytes) {
    for (const char c : bytes) {
        if ((c == '\n') != (last_framing_ == '\r') || c == '\0') return 400;
        if (last_framing_ == '\n' && (c == ' ' || c == '\t' || c == ':')) return 400;
        last_framing_ = c;
        if (++framing_ > limits_.head_bytes) return 431;
    }
    return 0;
}

Parser::Step Parser::parse_body(std::string_view bytes, std::size_t& used, std::string_view& piece) {
    piece_ = {};
    const llhttp_errno_t result = llhttp_execute(&llhttp_, bytes.data(), bytes.size());
    used = result == HPE_OK ? bytes.size()
                            : static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - bytes.data());
    const int wrong = check_framing(bytes.substr(0, used - piece_.size()));
    if (wrong != 0) return refuse(wrong);
    if (result != HPE_OK && result != HPE_PAUSED) return refuse(400);
    if (result == HPE_PAUSED) llhttp_resume(&llhttp_);
    if (ended_) return Step::end;
    if (piece_.empty()) return Step::need_more;
    framing_ = 0;
    piece = piece_;
    return Step::body;
}

}  // namespace sup::http
