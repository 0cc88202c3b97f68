#include "sup/http/response.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "worker/http/exchange.h"
#include "worker/http/protocol.h"
#include "worker/http/text.h"

namespace sup::http {
namespace {

// RFC 9112, 5.1. With a space behind it, say, a name that is the library's would pass for another here, and
// not with every reader.
bool is_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char);
}

// What a client sent must not become a header of its own: line ends and NUL turn into spaces.
void append_safe(std::string& out, std::string_view text) {
    for (const char c : text) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
}

// Twice in an answer they would contradict each other, and let two readers disagree on where it ends.
bool is_the_librarys(std::string_view name) {
    constexpr std::array<std::string_view, 4> names{"date", "content-length", "transfer-encoding",
                                                    "connection"};
    return std::any_of(names.begin(), names.end(),
                       [name](std::string_view own) { return equal_ignoring_case(name, own); });
}

}  // namespace

Response::Response(Exchange* exchange) : exchange_(exchange) {
    ++exchange_->references;
}

Response::Response(const Response& other) : exchange_(other.exchange_) {
    if (exchange_ != nullptr) ++exchange_->references;
}

Response::Response(Response&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {}

Response& Response::operator=(Response other) noexcept {
    std::swap(exchange_, other.exchange_);
    return *this;
}

Response::~Response() {
    if (exchange_ == nullptr) return;
    const unsigned left = --exchange_->references;
    if (left == 0) {
        const std::unique_ptr<Exchange> last(exchange_);
    } else if (left == 1 && exchange_->protocol != nullptr) {
        Protocol& protocol = *exchange_->protocol;
        protocol.handle_dropped();
        protocol.proceed();
    }
}

const Request& Response::request() const {
    if (exchange_ == nullptr) std::abort();
    return exchange_->request;
}

bool Response::open() const {
    return live() && !exchange_->bodiless();
}

// The answer is neither complete nor cut, and there is a client to have it.
bool Response::live() const {
    return exchange_ != nullptr && exchange_->protocol != nullptr && !exchange_->protocol->ending() &&
           exchange_->answering != Exchange::Answering::complete;
}

void Response::header(std::string_view name, std::string_view value) {
    if (!open() || exchange_->answering != Exchange::Answering::nothing) return;
    if (!is_name(name) || is_the_librarys(name)) return;
    exchange_->typed = exchange_->typed || equal_ignoring_case(name, "content-type");
    exchange_->headers.append(name);
    exchange_->headers.append(": ");
    append_safe(exchange_->headers, value);
    exchange_->headers.append("\r\n");
}

void Response::send(int status, std::string_view body, std::string_view content_type) {
    if (!open() || exchange_->answering != Exchange::Answering::nothing) return;
    Protocol& protocol = *exchange_->protocol;
    protocol.start(status, body.size(), content_type);
    protocol.write(body);
    protocol.finish_answer();
    protocol.proceed();
}

void Response::start(int status, std::optional<std::uint64_t> length, std::string_view content_type) {
    if (!open() || exchange_->answering != Exchange::Answering::nothing) return;
    exchange_->protocol->start(status, length, content_type);
    exchange_->protocol->proceed();
}

bool Response::write(std::string_view piece) {
    if (!open() || exchange_->answering != Exchange::Answering::streaming) return false;
    Protocol& protocol = *exchange_->protocol;
    const bool more = protocol.write(piece);
    protocol.proceed();
    return more;
}

void Response::end() {
    if (!live() || exchange_->answering != Exchange::Answering::streaming) return;
    Protocol& protocol = *exchange_->protocol;
    protocol.finish_answer();
    protocol.proceed();
}

void Response::on_drain(std::function<void(Response&)> callback) {
    if (!open()) return;
    exchange_->drained = std::move(callback);
    exchange_->protocol->proceed();
}

void Response::on_gone(std::function<void()> callback) {
    if (live()) exchange_->gone = std::move(callback);
}

void Response::on_half_closed(std::function<void(Response&)> callback) {
    if (!live()) return;
    Protocol& protocol = *exchange_->protocol;
    exchange_->half_closed = std::move(callback);
    protocol.tell_half_closed();
    protocol.proceed();
}

void Response::pause_body() {
    if (live()) exchange_->body_paused = true;
}

void Response::resume_body() {
    if (!live()) return;
    exchange_->body_paused = false;
    exchange_->protocol->proceed();
}

void Response::abort() {
    if (!live()) return;
    Protocol& protocol = *exchange_->protocol;
    protocol.cut();
    protocol.proceed();
}

}  // namespace sup::http
