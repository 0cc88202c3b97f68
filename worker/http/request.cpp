#include "sup/http/request.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "worker/http/exchange.h"
#include "worker/http/protocol.h"
#include "worker/http/text.h"

namespace sup::http {
namespace {

int digit(char c) {
    if (is_digit(c)) return c - '0';
    return is_hex(c) ? lower(c) - 'a' + 10 : -1;
}

}  // namespace

// The caller must be in the loop's thread.
const Head& Request::head(const char* what) const {
    exchange_.home->thread->check(what);
    return exchange_.parser.head();
}

Method Request::method() const {
    return head("Request::method").method;
}

std::string_view Request::method_name() const {
    return exchange_.text(head("Request::method_name").method_name);
}

std::string_view Request::target() const {
    return exchange_.text(head("Request::target").target);
}

std::string_view Request::path() const {
    const std::string_view target = exchange_.text(head("Request::path").target);
    std::string_view path = target.substr(0, target.find('?'));
    if (path.empty() || path.front() == '/') return path;
    // "http://host/path" is for proxies, but a server must take it, too (RFC 9112, 3.2.2).
    const std::size_t scheme = path.find("://");
    if (scheme == std::string_view::npos) return path;
    path.remove_prefix(scheme + 3);
    const std::size_t slash = path.find('/');
    return slash == std::string_view::npos ? "/" : path.substr(slash);
}

std::optional<std::string> Request::decoded_path() const {
    const std::string_view encoded = path();
    std::string decoded;
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        if (encoded[i] != '%') {
            decoded.push_back(encoded[i]);
            continue;
        }
        const std::string_view digits = encoded.substr(i + 1, 2);
        if (digits.size() < 2 || digit(digits[0]) < 0 || digit(digits[1]) < 0) return std::nullopt;
        const int value = digit(digits[0]) * 16 + digit(digits[1]);
        if (value == 0) return std::nullopt;
        decoded.push_back(static_cast<char>(value));
        i += digits.size();
    }
    return decoded;
}

std::string_view Request::query() const {
    const std::string_view whole = target();
    const std::size_t mark = whole.find('?');
    return mark == std::string_view::npos ? std::string_view{} : whole.substr(mark + 1);
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
    std::string_view rest = query();
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        const std::size_t equals = pair.find('=');
        if (pair.substr(0, equals) == name) {
            return equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        }
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    }
    return std::nullopt;
}

std::string_view Request::authority() const {
    return exchange_.text(head("Request::authority").authority);
}

std::string_view Request::listener() const {
    head("Request::listener");
    return exchange_.listener;
}

const Peer& Request::peer() const {
    head("Request::peer");
    return exchange_.ask_peer();
}

int Request::minor_version() const {
    return head("Request::minor_version").minor_version;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
    for (const HeaderRange& one : head("Request::header").headers) {
        if (equal_ignoring_case(exchange_.text(one.name), name)) return trim(exchange_.text(one.value));
    }
    return std::nullopt;
}

std::vector<std::string_view> Request::headers(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const HeaderRange& one : head("Request::headers").headers) {
        if (equal_ignoring_case(exchange_.text(one.name), name))
            values.push_back(trim(exchange_.text(one.value)));
    }
    return values;
}

std::size_t Request::header_count() const {
    return head("Request::header_count").headers.size();
}

std::string_view Request::header_name(std::size_t index) const {
    return exchange_.text(head("Request::header_name").headers[index].name);
}

std::string_view Request::header_value(std::size_t index) const {
    return trim(exchange_.text(head("Request::header_value").headers[index].value));
}

std::optional<std::string_view> Request::trailer(std::string_view name) const {
    head("Request::trailer");
    if (exchange_.reading != Exchange::Reading::complete) return std::nullopt;
    return exchange_.parser.trailer(name);
}

bool Request::has_body() const {
    return head("Request::has_body").has_body();
}

std::optional<std::uint64_t> Request::content_length() const {
    const Head& known = head("Request::content_length");
    if (known.chunked || known.content_length == 0) return std::nullopt;
    return known.content_length;
}

void Request::read_body(std::uint64_t limit, BodyReader reader) {
    head("Request::read_body");
    if (exchange_.protocol == nullptr) return;
    exchange_.protocol->ask_for_body(limit, std::move(reader));
    exchange_.protocol->proceed();
}

void Request::save_body(int descriptor, std::uint64_t limit, BodySaved done) {
    head("Request::save_body");
    Protocol* protocol = exchange_.protocol;
    if (protocol == nullptr) return;
    UniqueFd own(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    const int problem = errno;
    if (own) {
        protocol->save_body(std::move(own), limit, std::move(done));
    } else {
        protocol->ask_for_body(limit,
                               [problem, done = std::move(done)](std::string_view, bool last, Response& out) {
                                   if (last) done(problem, out);
                               });
    }
    protocol->proceed();
}

}  // namespace sup::http
