// The answering half of a connection's protocol: heads, framing, back-pressure.
#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <string>
#include <utility>

#include "worker/http/body_file.h"
#include "worker/http/limits.h"
#include "worker/http/protocol.h"
#include "worker/http/status_line.h"
#include "worker/lifecycle/log_line.h"

namespace sup::http {
namespace {

// A number as text, without allocating.
class Digits {
public:
    Digits(std::uint64_t value, int base) {
        end_ = std::to_chars(text_.data(), text_.data() + text_.size(), value, base).ptr;
    }
    std::string_view view() const { return {text_.data(), static_cast<std::size_t>(end_ - text_.data())}; }

private:
    std::array<char, 20> text_{};
    char* end_;
};

class StatusLine {
public:
    explicit StatusLine(int status) : line_(status_line(status)) {
        if (!line_.empty()) return;
        const Digits digits(static_cast<std::uint64_t>(status), 10);
        own_.append("HTTP/1.1 ").append(digits.view()).append(" \r\n");
        line_ = own_;
    }
    StatusLine(const StatusLine&) = delete;
    StatusLine& operator=(const StatusLine&) = delete;
    std::string_view view() const { return line_; }

private:
    std::string_view line_;
    std::string own_;  // of a status that has no name
};

}  // namespace

void Protocol::ask_for_body(std::uint64_t limit, Request::BodyReader reader) {
    Exchange& exchange = *exchange_;
    if (ending()) return;
    if (exchange.answering == Exchange::Answering::complete) {
        return exchange.home->misuse.tell(Misuse::late_read, exchange.request);
    }
    exchange.body_limit = limit;
    if (exchange.parser.head().content_length > limit) return refuse(413);
    exchange.reader = std::move(reader);
    const bool waits =
        exchange.go_ahead == Exchange::GoAhead::awaited && exchange.reading == Exchange::Reading::body;
    if (waits && exchange.answering == Exchange::Answering::nothing) {
        exchange.go_ahead = Exchange::GoAhead::given;
        output_.append("HTTP/1.1 100 Continue\r\n\r\n");
    }
}

void Protocol::save_body(UniqueFd file, std::uint64_t limit, Request::BodySaved done) {
    auto saved = std::make_shared<BodyFile>(context_.worker, std::move(file), std::move(done),
                                            exchange_->share_saving());
    ask_for_body(limit, [saved](std::string_view piece, bool last, Response& response) {
        saved->take(piece, last, response);
    });
}

// The next request came along with this one. Not said of chunked bodies, whose end is not known yet.
bool Protocol::next_received() const {
    if (exchange_->reading != Exchange::Reading::body) return unread_ > 0;
    const Head& head = exchange_->parser.head();
    return !head.chunked && unread_ > head.content_length - exchange_->body_received;
}

// A drain does not leave requests unanswered that are here already: the last of them says Connection: close,
// unless the connection goes on elsewhere.
// A body that nobody will read must be short, and on its way, for the connection to go on after it.
bool Protocol::decide_keep_alive() const {
    const Head& head = exchange_->parser.head();
    if (!head.keep_alive || ending() || exchange_->after == Exchange::After::close) return false;
    if (context_.draining && !host_.moves_on() && !next_received()) return false;
    if (exchange_->reading != Exchange::Reading::body || exchange_->body_limit) return true;
    return head.content_length <= discard_limit && !head.expect_continue;
}

void Protocol::start(int status, std::optional<std::uint64_t> length, std::string_view type) {
    Exchange& exchange = *exchange_;
    exchange.after = decide_keep_alive() ? Exchange::After::keep : Exchange::After::close;
    const Head& head = exchange.parser.head();
    if (head.method == Method::head || has_no_body(status)) {
        exchange.framing = Exchange::Framing::none;
    } else if (length) {
        exchange.framing = Exchange::Framing::length;
        exchange.length_left = *length;
    } else if (head.minor_version >= 1) {
        exchange.framing = Exchange::Framing::chunked;
    } else {
        exchange.framing = Exchange::Framing::until_close;
        exchange.after = Exchange::After::close;
    }
    exchange.answering = Exchange::Answering::streaming;
    exchange.status = status;
    write_head(status, length, type);
    // Whoever reads the request's body still needs the exchange.
    if (exchange.bodiless() && exchange.reading == Exchange::Reading::complete) finish_answer();
}

void Protocol::inform(int status, std::string_view headers) {
    output_.append({StatusLine(status).view(), headers, "\r\n"});
}

void Protocol::write_head(int status, std::optional<std::uint64_t> length, std::string_view type) {
    const bool typed = !type.empty() && !exchange_->typed && !has_no_body(status);
    const Digits digits(length.value_or(0), 10);
    std::string_view framing;
    std::string_view size;
    if (exchange_->framing == Exchange::Framing::chunked) {
        framing = "\r\nTransfer-Encoding: chunked";
    } else if (status == 205) {
        // Its framing is that of other answers, unlike that of 204 and 304 (RFC 9110, 15.3.6).
        framing = "\r\nContent-Length: 0";
    } else if (length && !has_no_body(status)) {
        framing = "\r\nContent-Length: ";
        size = digits.view();
    }
    std::string_view connection;
    if (exchange_->after == Exchange::After::close) {
        connection = "\r\nConnection: close";
    } else if (exchange_->parser.head().minor_version == 0) {
        connection = "\r\nConnection: keep-alive";
    }
    output_.append({StatusLine(status).view(), "Date: ", context_.date.now(),
                    typed ? "\r\nContent-Type: " : std::string_view{}, typed ? type : std::string_view{},
                    framing, size, connection, "\r\n", exchange_->headers, "\r\n"});
}

bool Protocol::write(std::string_view piece) {
    Exchange& exchange = *exchange_;
    if (output_.file() != nullptr) {  // was said to be the last part
        cut();
        return false;
    }
    if (exchange.framing == Exchange::Framing::none) return false;
    if (context_.output_budget.used_twice() && output_.size() > context_.options.output_budget) {
        worker::log_line("a handler writes on although write() says false: its answer, of which " +
                         std::to_string(output_.size()) + " bytes wait, is cut (output_budget)");
        cut();
        return false;
    }
    exchange.written += piece.size();
    if (!piece.empty()) exchange.room = Exchange::Room::changed;  // all of it may leave at once
    switch (exchange.framing) {
        case Exchange::Framing::none: break;
        case Exchange::Framing::until_close: put({}, piece, {}); break;
        case Exchange::Framing::length:
            if (piece.size() > exchange.length_left) {
                cut();
                return false;
            }
            exchange.length_left -= piece.size();
            put({}, piece, {});
            break;
        case Exchange::Framing::chunked:
            if (!piece.empty()) {
                output_.append(Digits(piece.size(), 16).view());
                put("\r\n", piece, "\r\n");
            }
            break;
    }
    return !full();
}

void Protocol::hold_body(const Response& response, bool held) {
    response.check("Protocol::hold_body");
    Exchange& exchange = *response.exchange_;
    if (exchange.protocol == nullptr) return;
    exchange.file_flow = held ? Exchange::Flow::paused : Exchange::Flow::runs;
    if (!held) exchange.protocol->proceed();
}

Protocol* Protocol::of(const Response& response) {
    return response.live("Protocol::of") ? response.exchange_->protocol : nullptr;
}

bool Protocol::write_file(UniqueFd descriptor, off_t offset, std::uint64_t length) {
    Exchange& exchange = *exchange_;
    const bool expected = exchange.answering == Exchange::Answering::streaming &&
                          exchange.framing == Exchange::Framing::length && length <= exchange.length_left;
    if (!expected || output_.file() != nullptr) return false;
    exchange.length_left -= length;
    exchange.written += length;
    output_.append_file(std::move(descriptor), offset, length);
    return true;
}

bool Protocol::upgrade(std::string_view protocol, Takeover takeover) {
    Exchange& exchange = *exchange_;
    const bool complete = exchange.reading == Exchange::Reading::complete;
    if (!complete || exchange.answering != Exchange::Answering::nothing) return false;
    output_.append({"HTTP/1.1 101 Switching Protocols\r\nDate: ", context_.date.now(),
                    "\r\nConnection: Upgrade\r\nUpgrade: ", protocol, "\r\n", exchange.headers, "\r\n"});
    exchange.status = 101;
    exchange.answering = Exchange::Answering::complete;
    exchange.takeover = std::move(takeover);
    proceed();
    return true;
}

void Protocol::put(std::string_view before, std::string_view piece, std::string_view after) {
    if (piece.size() < large_piece) return output_.append({before, piece, after});
    output_.append(before);
    std::size_t left = host_.send_now(output_.bytes(), piece, after);
    const auto drop = [&left](std::size_t size) {
        const std::size_t dropped = std::min(left, size);
        left -= dropped;
        return dropped;
    };
    output_.consume(drop(output_.size()));
    output_.append(piece.substr(drop(piece.size())));
    output_.append(after.substr(drop(after.size())));
}

void Protocol::finish_answer() {
    Exchange& exchange = *exchange_;
    if (exchange.framing == Exchange::Framing::chunked) output_.append("0\r\n\r\n");
    if (exchange.framing == Exchange::Framing::length && exchange.length_left > 0) return cut();
    exchange.answering = Exchange::Answering::complete;
}

// The last copy of the response went.
void Protocol::handle_dropped() {
    if (ending() || exchange_->answering == Exchange::Answering::complete || exchange_->awaited()) return;
    if (exchange_->bodiless()) return finish_answer();
    MisuseLog& misuse = exchange_->home->misuse;
    if (exchange_->answering == Exchange::Answering::streaming) {
        misuse.tell(Misuse::unfinished, exchange_->request);
        return cut();
    }
    // An exception is told by itself.
    if (std::uncaught_exceptions() == 0) misuse.tell(Misuse::no_answer, exchange_->request);
    exchange_->forget_headers();
    constexpr std::string_view body = "no answer was given\n";
    start(500, body.size(), "text/plain");
    write(body);
    finish_answer();
}

}  // namespace sup::http
