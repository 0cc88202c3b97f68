#include "sup/http/request.h"

#include "worker/http/exchange.h"
#include "worker/http/protocol.h"
#include "worker/http/text.h"

namespace sup::http {

Method Request::method() const {
    return exchange_.parser.head().method;
}

std::string_view Request::method_name() const {
    return exchange_.text(exchange_.parser.head().method_name);
}

std::string_view Request::target() const {
    return exchange_.text(exchange_.parser.head().target);
}

std::string_view Request::path() const {
    std::string_view path = target().substr(0, target().find('?'));
    if (path.empty() || path.front() == '/') return path;
    // "http://host/path" is for proxies, but a server must take it, too (RFC 9112, 3.2.2).
    const std::size_t scheme = path.find("://");
    if (scheme == std::string_view::npos) return path;
    path.remove_prefix(scheme + 3);
    const std::size_t slash = path.find('/');
    return slash == std::string_view::npos ? "/" : path.substr(slash);
}

std::string_view Request::query() const {
    const std::size_t mark = target().find('?');
    return mark == std::string_view::npos ? std::string_view{} : target().substr(mark + 1);
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

int Request::minor_version() const {
    return exchange_.parser.head().minor_version;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
    for (std::size_t i = 0; i < header_count(); ++i) {
        if (equal_ignoring_case(header_name(i), name)) return header_value(i);
    }
    return std::nullopt;
}

std::size_t Request::header_count() const {
    return exchange_.parser.head().headers.size();
}

std::string_view Request::header_name(std::size_t index) const {
    return exchange_.text(exchange_.parser.head().headers[index].name);
}

std::string_view Request::header_value(std::size_t index) const {
    return trim(exchange_.text(exchange_.parser.head().headers[index].value));
}

bool Request::has_body() const {
    return exchange_.parser.head().has_body();
}

std::optional<std::uint64_t> Request::content_length() const {
    const Head& head = exchange_.parser.head();
    if (head.chunked || head.content_length == 0) return std::nullopt;
    return head.content_length;
}

void Request::read_body(std::uint64_t limit, BodyReader reader) {
    if (exchange_.protocol != nullptr) exchange_.protocol->ask_for_body(limit, std::move(reader));
}

}  // namespace sup::http
