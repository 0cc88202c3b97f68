#include "sup/http/response.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "worker/http/date.h"
#include "worker/http/exchange.h"
#include "worker/http/file_answer.h"
#include "worker/http/header_rules.h"
#include "worker/http/protocol.h"
#include "worker/http/status_line.h"
#include "worker/http/text.h"
#include "worker/http/upgrade_request.h"
#include "worker/lifecycle/internals.h"

namespace sup::http {
namespace {

void append_header(std::string& headers, std::string_view name, std::string_view value) {
    headers.append(name).append(": ").append(value).append("\r\n");
}

// Changes with every change of the file that its time shows.
std::string etag_of(const struct stat& file) {
    std::string etag = "\"";
    for (const std::int64_t part : {std::int64_t{file.st_mtim.tv_sec}, std::int64_t{file.st_mtim.tv_nsec},
                                    std::int64_t{file.st_size}}) {
        if (etag.size() > 1) etag += '-';
        etag += std::to_string(part);
    }
    return etag + "\"";
}

// Whether sendfile(2) can read it.
bool is_readable_file(int descriptor, struct stat& known) {
    if (::fstat(descriptor, &known) != 0 || !S_ISREG(known.st_mode)) return false;
    const int flags = ::fcntl(descriptor, F_GETFL);
    return (flags & O_ACCMODE) != O_WRONLY && (flags & O_PATH) == 0;
}

// No client shows it, whatever was meant.
constexpr std::string_view unknown_type = "application/octet-stream";

}  // namespace

Response::Response(Exchange* exchange) : exchange_(exchange) {
    ++exchange_->references;
}

Response::Response(const Response& other) : exchange_(other.exchange_) {
    if (exchange_ == nullptr) return;
    check("copying a Response");
    ++exchange_->references;
}

Response::Response(Response&& other) noexcept : exchange_(std::exchange(other.exchange_, nullptr)) {
    if (exchange_ != nullptr) check("moving a Response");
}

Response& Response::operator=(Response other) noexcept {
    std::swap(exchange_, other.exchange_);
    return *this;
}

Response::~Response() {
    if (exchange_ == nullptr) return;
    check("dropping a Response");
    const unsigned left = --exchange_->references;
    if (left == 0) {
        const std::unique_ptr<Exchange> last(exchange_);
    } else if (left == 1 && exchange_->protocol != nullptr) {
        Protocol& protocol = *exchange_->protocol;
        protocol.handle_dropped();
        protocol.proceed();
    }
}

void Response::check(const char* what) const {
    exchange_->home->thread->check(what);
}

// The state of the answer, for the member `what`.
Response::Stage Response::stage(const char* what) const {
    if (exchange_ == nullptr) return Stage::gone;
    check(what);
    if (exchange_->answering == Exchange::Answering::complete) return Stage::complete;
    if (exchange_->protocol == nullptr || exchange_->protocol->ending()) return Stage::gone;
    if (exchange_->answering == Exchange::Answering::nothing) return Stage::nothing;
    return exchange_->bodiless() ? Stage::complete : Stage::streaming;
}

// There is a client to have the answer, and it is not complete; one without a body may wait for its end().
bool Response::live(const char* what) const {
    return stage(what) != Stage::gone && exchange_->protocol != nullptr &&
           exchange_->answering != Exchange::Answering::complete;
}

bool Response::misuse(Misuse kind, std::string_view detail) const {
    exchange_->home->misuse.tell(kind, exchange_->request, detail);
    return false;
}

const Request& Response::request() const {
    if (exchange_ == nullptr) std::abort();
    check("Response::request");
    return exchange_->request;
}

bool Response::open() const {
    const Stage now = stage("Response::open");
    return now == Stage::nothing || now == Stage::streaming;
}

bool Response::header(std::string_view name, std::string_view value) {
    const Stage now = stage("Response::header");
    if (now == Stage::gone) return false;
    if (now != Stage::nothing) return misuse(Misuse::late_header, name);
    if (const auto wrong = mistake(name, value)) return misuse(*wrong, name);
    if (equal_ignoring_case(name, "content-type")) {
        if (exchange_->typed) return misuse(Misuse::second_type, value);
        exchange_->typed = true;
    }
    const bool validates = equal_ignoring_case(name, "etag") || equal_ignoring_case(name, "last-modified");
    if (validates && value_in(exchange_->headers, name)) return misuse(Misuse::second_validator, name);
    append_header(exchange_->headers, name, value);
    return true;
}

void Response::close_after() {
    if (live("Response::close_after")) exchange_->after = Exchange::After::close;
}

bool Response::inform(int status, std::initializer_list<Header> headers) {
    const Stage now = stage("Response::inform");
    if (now == Stage::gone) return false;
    if (now != Stage::nothing) return misuse(Misuse::late_inform);
    if (status < 102 || status > 199) return misuse(Misuse::bad_inform, std::to_string(status));
    std::string lines;
    for (const auto& [name, value] : headers) {
        if (const auto wrong = mistake(name, value)) return misuse(*wrong, name);
        append_header(lines, name, value);
    }
    // HTTP/1.0 has no such answers, and would take one for the final one (RFC 9110, 15.2).
    if (exchange_->parser.head().minor_version == 0) return false;
    exchange_->protocol->inform(status, lines);
    exchange_->protocol->proceed();
    return true;
}

// An answer with that status and a body of `length` may begin. False: none does.
bool Response::begins(const char* what, int status) const {
    const Stage now = stage(what);
    if (now == Stage::gone) return false;
    if (now != Stage::nothing) return misuse(Misuse::second_answer);
    if (!is_final_status(status)) return misuse(Misuse::bad_status, std::to_string(status));
    return true;
}

// Makes of it what is sent; false when that is not what was asked for.
bool Response::fit(int status, std::uint64_t length, std::string_view& type) const {
    bool fits = true;
    if (!is_header_value(type)) {
        fits = misuse(Misuse::bad_value, "Content-Type");
        type = unknown_type;
    }
    if (length > 0 && has_no_body(status)) fits = misuse(Misuse::unwanted_body, std::to_string(status));
    return fits;
}

bool Response::send(int status, std::string_view body, std::string_view content_type) {
    if (!begins("Response::send", status)) return false;
    const bool as_asked = fit(status, body.size(), content_type);
    Protocol& protocol = *exchange_->protocol;
    protocol.start(status, body.size(), content_type);
    protocol.write(body);
    protocol.finish_answer();
    protocol.proceed();
    return as_asked;
}

bool Response::start(int status, std::optional<std::uint64_t> length, std::string_view content_type) {
    if (!begins("Response::start", status)) return false;
    const bool as_asked = fit(status, length.value_or(0), content_type);
    exchange_->protocol->start(status, length, content_type);
    exchange_->protocol->proceed();
    return as_asked;
}

// What the handler told of the file by header() counts before what is known of it here.
Response::FileVersion Response::tell_version(const struct stat& file, std::string_view wanted) {
    FileVersion version{std::string(wanted), file.st_mtime};
    if (const auto told = value_in(exchange_->headers, "ETag")) {
        version.etag = *told;
    } else {
        if (!wanted.empty() && !is_etag(wanted)) misuse(Misuse::bad_etag, wanted);
        if (!is_etag(wanted)) version.etag = etag_of(file);
        header("ETag", version.etag);
    }
    if (const auto told = value_in(exchange_->headers, "Last-Modified")) {
        version.modified = parse_date(*told).value_or(file.st_mtime);
    } else {
        std::array<char, date_size> modified{};
        format_date(file.st_mtime, modified);
        header("Last-Modified", {modified.data(), modified.size()});
    }
    return version;
}

bool Response::send_file(int descriptor, const FileOptions& options) {
    UniqueFd file(descriptor);
    if (!begins("Response::send_file", 200)) return false;
    struct stat known {};
    if (!is_readable_file(file.get(), known)) return misuse(Misuse::no_file);
    const auto size = static_cast<std::uint64_t>(known.st_size);
    const FileVersion version = tell_version(known, options.etag);
    const FilePart part = judge_file(exchange_->request, {size, version.modified, version.etag},
                                     options.ranges, std::time(nullptr));
    if (options.ranges && !value_in(exchange_->headers, "Accept-Ranges")) header("Accept-Ranges", "bytes");
    if (take_out(exchange_->headers, "Content-Range")) misuse(Misuse::range_header);
    send_part(std::move(file), part, size, options.content_type);
    return true;
}

void Response::send_part(UniqueFd file, const FilePart& part, std::uint64_t size, std::string_view type) {
    const std::string whole = std::to_string(size);
    if (part.status == 416) header("Content-Range", "bytes */" + whole);
    if (part.status == 304 || part.status >= 400) {
        send(part.status, part.status == 304 ? "" : std::string(reason_phrase(part.status)) + "\n");
        return;
    }
    if (part.status == 206) {
        header("Content-Range", "bytes " + std::to_string(part.first) + "-" +
                                    std::to_string(part.first + part.length - 1) + "/" + whole);
    }
    fit(part.status, part.length, type);
    Protocol& protocol = *exchange_->protocol;
    protocol.start(part.status, part.length, type);
    if (part.length > 0 && exchange_->framing == Exchange::Framing::length)
        protocol.write_file(std::move(file), static_cast<off_t>(part.first), part.length);
    end();
}

bool Response::upgrade(std::string_view protocol, worker::Connections& to, std::string state) {
    const Stage now = stage("Response::upgrade");
    if (now == Stage::gone) return false;
    if (now != Stage::nothing) return misuse(Misuse::second_answer);
    if (!is_header_value(protocol)) return misuse(Misuse::bad_value, "Upgrade");
    if (!asks_for_upgrade(exchange_->request, protocol)) return false;
    return exchange_->protocol->upgrade(
        protocol, [core = worker::Internals::core(to), text = std::move(state)](
                      UniqueFd socket, const std::string& listener, const std::string& unread) {
            core->adopt(std::move(socket), listener, unread, text);
        });
}

bool Response::write(std::string_view piece) {
    switch (stage("Response::write")) {
        case Stage::gone: return false;
        case Stage::nothing: return misuse(Misuse::early_write);
        case Stage::complete: return write_late(piece);
        case Stage::streaming: break;
    }
    Protocol& protocol = *exchange_->protocol;
    if (exchange_->framing == Exchange::Framing::length && piece.size() > exchange_->length_left) {
        misuse(Misuse::too_long);
    }
    const bool more = protocol.write(piece);
    protocol.proceed();
    return more;
}

// HEAD is answered by the same code as GET, and that is no mistake.
bool Response::write_late(std::string_view piece) const {
    if (piece.empty() || exchange_->parser.head().method == Method::head) return false;
    return misuse(exchange_->framing == Exchange::Framing::none ? Misuse::unwanted_body : Misuse::late_write);
}

bool Response::end() {
    switch (stage("Response::end")) {
        case Stage::gone: return false;
        case Stage::nothing: return misuse(Misuse::early_end);
        case Stage::complete: return end_bodiless();
        case Stage::streaming: break;
    }
    const bool whole = exchange_->framing != Exchange::Framing::length || exchange_->length_left == 0;
    if (!whole) misuse(Misuse::too_short);
    Protocol& protocol = *exchange_->protocol;
    protocol.finish_answer();
    protocol.proceed();
    return whole;
}

// Begun, and by that complete.
bool Response::end_bodiless() {
    if (exchange_->framing != Exchange::Framing::none) return misuse(Misuse::late_end);
    if (exchange_->answering == Exchange::Answering::complete || exchange_->protocol == nullptr) return true;
    Protocol& protocol = *exchange_->protocol;
    protocol.finish_answer();
    protocol.proceed();
    return true;
}

void Response::on_writable(std::function<void(Response&)> callback) {
    const Stage now = stage("Response::on_writable");
    if (now != Stage::nothing && now != Stage::streaming) return;
    exchange_->writable = std::move(callback);
    exchange_->room = Exchange::Room::changed;
    exchange_->protocol->proceed();
}

// Also while a complete answer is on its way.
void Response::on_gone(std::function<void()> callback) {
    if (stage("Response::on_gone") != Stage::gone && exchange_->protocol != nullptr)
        exchange_->gone = std::move(callback);
}

void Response::on_half_closed(std::function<void(Response&)> callback) {
    if (!live("Response::on_half_closed")) return;
    Protocol& protocol = *exchange_->protocol;
    exchange_->half_closed = std::move(callback);
    protocol.tell_half_closed();
    protocol.proceed();
}

void Response::on_drain(std::function<void(Response&, const worker::Drain&)> callback) {
    if (!live("Response::on_drain")) return;
    Protocol& protocol = *exchange_->protocol;
    exchange_->draining = std::move(callback);
    protocol.tell_drain();
    protocol.proceed();
}

Reply Response::detach() && {
    const Stage now = stage("Response::detach");
    Response mine(std::move(*this));
    if (now != Stage::nothing || mine.exchange_->home->mailbox == nullptr) {
        if (now == Stage::streaming || now == Stage::complete) mine.misuse(Misuse::late_detach);
        return {nullptr, 0, nullptr};
    }
    Exchange& exchange = *mine.exchange_;
    Reply::Gone gone = exchange.share_gone();
    const std::uint64_t number = exchange.home->keep_detached(std::move(mine));
    return {exchange.home, number, std::move(gone)};
}

void Response::pause_body() {
    if (live("Response::pause_body")) exchange_->flow = Exchange::Flow::paused;
}

void Response::resume_body() {
    if (!live("Response::resume_body")) return;
    exchange_->flow = Exchange::Flow::runs;
    exchange_->protocol->proceed();
}

void Response::abort() {
    if (stage("Response::abort") == Stage::gone || exchange_->protocol == nullptr) return;
    Protocol& protocol = *exchange_->protocol;
    protocol.abort();
    protocol.proceed();
}

}  // namespace sup::http
