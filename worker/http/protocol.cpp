#include "worker/http/protocol.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "worker/http/limits.h"
#include "worker/http/peer.h"
#include "worker/http/status_line.h"
#include "worker/lifecycle/guarded.h"

namespace sup::http {
namespace {

bool is_empty_line(std::string_view input, std::size_t at) {
    return input.size() - at >= 2 && input[at] == '\r' && input[at + 1] == '\n';
}

}  // namespace

Protocol::Protocol(Context& context, Host& host)
    : context_(context),
      host_(host),
      held_(context.buffers),
      output_(context.buffers, context.output_budget) {}

Protocol::~Protocol() {
    Working scope(*this);
    end_exchange();
}

void Protocol::receive(std::string_view bytes) {
    if (ending()) return;
    Working scope(*this);
    if (held_.empty()) {
        const std::size_t used = consume(bytes);
        held_.append(bytes.substr(used));
    } else {
        held_.append(bytes);
        consume_held();
    }
}

void Protocol::receive_end() {
    input_ = Input::ended;
    if (ending()) return;
    Working scope(*this);
    tell_half_closed();
    consume_held();
}

void Protocol::tell_half_closed() {
    if (input_ == Input::open || exchange_ == nullptr || exchange_->half_closed == nullptr) return;
    if (exchange_->answering == Exchange::Answering::complete) return;
    Working scope(*this);
    const auto half_closed = std::exchange(exchange_->half_closed, nullptr);
    Response response(exchange_.get());
    guard([&] { half_closed(response); });
}

bool Protocol::wants_input() const {
    if (input_ == Input::ended || ending() || full()) return false;
    return stop_ == Stop::input || held_.size() < read_ahead;
}

bool Protocol::wants_room() const {
    // Of a budget that is far over the socket tells nothing: the server does (Context::holds_back).
    const bool reads_on = stop_ == Stop::room && !context_.output_budget.far_over();
    const bool writes_on =
        exchange_ != nullptr && exchange_->writable != nullptr && exchange_->room == Exchange::Room::changed;
    if (!(reads_on || writes_on) || ending() || output_.file() != nullptr) return false;
    return output_.size() <= context_.output_high_water() / 2;
}

void Protocol::room() {
    Working scope(*this);
    if (exchange_ != nullptr && exchange_->writable != nullptr && exchange_->room == Exchange::Room::changed)
        tell_writable();
    consume_held();
}

// Who asks again without having written anything would be called for ever.
void Protocol::tell_writable() {
    const auto writable = std::exchange(exchange_->writable, nullptr);
    const std::uint64_t written = exchange_->written;
    Response response(exchange_.get());
    guard([&] { writable(response); });
    if (exchange_->written == written) exchange_->room = Exchange::Room::same;
}

Protocol::Waiting Protocol::waiting() const {
    if (ending()) return Waiting::closing;
    if (exchange_ == nullptr) return held_.empty() ? Waiting::request : Waiting::handler;
    if (exchange_->reading == Exchange::Reading::head) return Waiting::head;
    if (exchange_->reading == Exchange::Reading::body && stop_ == Stop::input) return Waiting::body;
    return Waiting::handler;
}

bool Protocol::at_boundary() const {
    if (ending() || input_ == Input::ended || !output_.empty()) return false;
    return exchange_ == nullptr || exchange_->reading == Exchange::Reading::head;
}

void Protocol::stay() {
    if (exchange_ != nullptr || held_.empty()) return;
    Working scope(*this, Work::stay);
    consume_held();
}

void Protocol::time_out() {
    Working scope(*this);
    const bool slow = waiting() == Waiting::head || waiting() == Waiting::body;
    if (slow && exchange_->answering == Exchange::Answering::nothing) refuse(408);
    close();
}

void Protocol::close() {
    Working scope(*this);
    cut();
    consume_held();
}

void Protocol::abandon(Doing whose) {
    Working scope(*this);
    become(whose == Doing::ours ? Life::lingering : Life::closing);
    held_.clear();
    lose_output();
    end_exchange();
}

void Protocol::sent(std::size_t count) {
    output_.consume(count);
    if (exchange_ != nullptr && count > 0) exchange_->room = Exchange::Room::changed;
    end_what_has_left();
}

void Protocol::file_sent(std::size_t count) {
    output_.consume_file(count);
    end_what_has_left();
}

// The answer is made, and not all of it was sent; an exchange that the next one does not follow yet waits for
// that.
bool Protocol::leaving() const {
    return exchange_ != nullptr && exchange_->answering == Exchange::Answering::complete &&
           exchange_->takeover == nullptr && !output_.empty();
}

void Protocol::end_what_has_left() {
    if (!ending() || exchange_ == nullptr || !output_.empty()) return;
    Working scope(*this);
    end_exchange();
}

// The last bytes of the output are those of the exchange that goes on: its answer did not leave, then,
// however complete it was made.
void Protocol::lose_output() {
    const std::uint64_t unsent = output_.left();
    output_.clear();
    if (unsent == 0 || exchange_ == nullptr) return;
    exchange_->written -= std::min(exchange_->written, unsent);
    if (exchange_->answering == Exchange::Answering::complete)
        exchange_->answering = Exchange::Answering::streaming;
}

// What waits in memory still leaves, a file does not: the client sees that its answer is not whole.
void Protocol::abort() {
    if (exchange_->answering == Exchange::Answering::complete) {
        if (output_.file() == nullptr) return;
        lose_output();
    }
    cut();
}

// The exchange ends once no callback of it is running.
void Protocol::cut() {
    become(Life::lingering);
}

void Protocol::proceed() {
    if (work_ != Work::none) return;
    push();
    host_.schedule();
}

// What a handler writes to many clients one after another would otherwise be in memory for all of them at
// once.
void Protocol::push() {
    if (output_.file() != nullptr || output_.empty()) return;
    const std::size_t count = host_.send_now(output_.bytes(), {}, {});
    output_.consume(count);
    if (exchange_ != nullptr && count > 0) exchange_->room = Exchange::Room::changed;
}

void Protocol::go_on() {
    Working scope(*this);
    tell_drain();
    consume_held();
}

void Protocol::consume_held() {
    const std::size_t used = consume(held_.view());
    held_.consume(used);
}

std::size_t Protocol::consume(std::string_view input) {
    std::size_t used = 0;
    stop_ = Stop::nothing;
    do {
        unread_ = input.size() - used;
    } while (advance(input, used));
    if (input_ == Input::ended && stop_ == Stop::input) become(Life::closing);
    if (!ending()) return used;
    // What follows the last request is not read, and would turn a plain close() into a reset.
    if (used < input.size()) become(Life::lingering);
    if (!leaving()) end_exchange();
    return input.size();
}

bool Protocol::advance(std::string_view input, std::size_t& used) {
    if (ending()) return false;
    if (context_.output_budget.far_over()) {
        context_.holds_back = true;
        return stop(Stop::room);
    }
    if (full()) return stop(Stop::room);
    if (exchange_ == nullptr) return begin(input, used);
    if (upgraded()) return false;
    switch (exchange_->reading) {
        case Exchange::Reading::head: return read_head(input, used);
        case Exchange::Reading::body: return read_body(input, used);
        case Exchange::Reading::complete: break;
    }
    if (exchange_->reader != nullptr) return deliver_end();
    if (exchange_->answering != Exchange::Answering::complete) return false;
    if (exchange_->after == Exchange::After::close) {
        // A client that did not ask for it may already have sent its next request; and some send an empty
        // line after a body (RFC 9112, 2.2).
        const bool more = exchange_->parser.head().keep_alive || exchange_->parser.head().has_body();
        become(more ? Life::lingering : Life::closing);
    }
    end_exchange();
    return true;
}

bool Protocol::begin(std::string_view input, std::size_t& used) {
    // RFC 9112, 2.2: empty lines before a request are passed over.
    while (is_empty_line(input, used)) used += 2;
    if (used == input.size()) return stop(Stop::input);
    const bool may_leave = work_ != Work::stay && input_ == Input::open;
    if (context_.draining && may_leave && host_.moves_now()) return false;
    exchange_ = context_.take_exchange();
    exchange_->begin(*this, context_.parser_limits());
    exchange_->listener = host_.listener();
    ++heads_;
    return true;
}

bool Protocol::read_head(std::string_view input, std::size_t& used) {
    // Of an empty line before it the CR may have come alone.
    while (exchange_->parser.head_size() == 0 && is_empty_line(input, used)) used += 2;
    const std::string_view message = input.substr(used);
    switch (exchange_->parser.parse_head(message)) {
        case Parser::Step::need_more: return stop(Stop::input);
        case Parser::Step::head: break;
        case Parser::Step::refused: refuse(exchange_->parser.refusal()); return false;
        case Parser::Step::body:
        case Parser::Step::end: std::abort();
    }
    const std::size_t size = exchange_->parser.head_size();
    exchange_->head.keep(message.substr(0, size));
    used += size;
    const Head& head = exchange_->parser.head();
    if (head.expect_continue) exchange_->go_ahead = Exchange::GoAhead::awaited;
    exchange_->reading = head.has_body() ? Exchange::Reading::body : Exchange::Reading::complete;
    context_.count_request();
    unread_ = input.size() - used;
    call_handler();
    return true;
}

void Protocol::call_handler() {
    if (context_.options.on_finished) exchange_->began = std::chrono::steady_clock::now();
    guard([&] { context_.handler(exchange_->request, Response(exchange_.get())); });
}

// Runs one of the user's callbacks, in which the exchange does not end (see Working). What it throws ends its
// own request; other connections have nothing to do with it.
template <typename Callback>
void Protocol::guard(Callback callback) {
    if (worker::guarded("a handler, or a callback of its request,", callback)) return;
    if (exchange_ != nullptr && exchange_->answering != Exchange::Answering::complete) refuse(500);
}

void Protocol::call(const Response& response, const std::function<void()>& callback) {
    if (response.stage("Protocol::call") == Response::Stage::gone) return;
    Protocol* protocol = response.exchange_->protocol;
    if (protocol == nullptr) return callback();  // answered long ago, and there is nothing left to end
    {
        Working scope(*protocol);
        protocol->guard(callback);
    }
    protocol->proceed();
}

bool Protocol::read_body(std::string_view input, std::size_t& used) {
    const bool answered = exchange_->answering == Exchange::Answering::complete;
    if (answered && exchange_->after == Exchange::After::close) {
        cut();
        return false;
    }
    if (exchange_->body_waits()) return false;
    std::size_t count = 0;
    std::string_view piece;
    const Parser::Step step = exchange_->parser.parse_body(input.substr(used), count, piece);
    used += count;
    unread_ = input.size() - used;
    switch (step) {
        case Parser::Step::need_more: return stop(Stop::input);
        case Parser::Step::end: exchange_->reading = Exchange::Reading::complete; return true;
        case Parser::Step::refused: refuse(exchange_->parser.refusal()); return false;
        case Parser::Step::body: break;
        case Parser::Step::head: std::abort();
    }
    exchange_->body_received += piece.size();
    body_bytes_ += piece.size();
    if (exchange_->body_received > exchange_->body_limit.value_or(discard_limit)) {
        refuse(413);
        return false;
    }
    if (exchange_->reader != nullptr) deliver(piece);
    return true;
}

// The reader may ask for the rest to go to another one, which must not take its place while it runs.
void Protocol::deliver(std::string_view piece) {
    auto reader = std::exchange(exchange_->reader, nullptr);
    Response response(exchange_.get());
    guard([&] { reader(piece, false, response); });
    if (exchange_->reader == nullptr) exchange_->reader = std::move(reader);
}

bool Protocol::deliver_end() {
    const auto reader = std::exchange(exchange_->reader, nullptr);
    Response response(exchange_.get());
    guard([&] { reader({}, true, response); });
    return true;
}

bool Protocol::stop(Stop reason) {
    stop_ = reason;
    return false;
}

Takeover Protocol::take_over() {
    Takeover takeover = std::exchange(exchange_->takeover, nullptr);
    end_exchange();
    return takeover;
}

// Whoever still holds a response finds it dead.
void Protocol::end_exchange() {
    if (exchange_ == nullptr) return;
    std::unique_ptr<Exchange> over = std::move(exchange_);
    over->protocol = nullptr;
    over->reader = nullptr;
    over->writable = nullptr;
    over->half_closed = nullptr;
    over->draining = nullptr;
    over->takeover = nullptr;
    const bool complete = over->answering == Exchange::Answering::complete;
    const bool whole = complete || over->answering == Exchange::Answering::refused;
    if (!whole && over->reading != Exchange::Reading::head) ++context_.unanswered;
    if (over->answering == Exchange::Answering::streaming && over->framing == Exchange::Framing::until_close)
        become(Life::cut);
    if (over->nobody_waits && !complete) *over->nobody_waits = true;
    over->nobody_waits = nullptr;
    if (over->saving)
        *over->saving =
            complete && over->reading == Exchange::Reading::complete ? Saving::answered : Saving::cut;
    over->saving = nullptr;
    if (context_.options.on_finished) tell_finished(*over);
    // The request may still be looked at in there.
    if (const auto gone = std::exchange(over->gone, nullptr); gone && !complete) guard([&] { gone(); });
    if (over->references == 1) {
        context_.give_back(std::move(over));
    } else {
        --over.release()->references;
    }
}

// Of a head that came to nothing there is nothing to tell.
void Protocol::tell_finished(Exchange& over) const {
    using Answering = Exchange::Answering;
    const bool in_head = over.reading == Exchange::Reading::head;
    if (in_head && over.answering != Answering::refused) return;
    const auto how = [&] {
        if (over.answering == Answering::refused) return End::refused;
        if (over.answering == Answering::complete) return over.status == 101 ? End::upgraded : End::complete;
        return life_ >= Life::lingering ? End::cut : End::client_gone;
    };
    const auto now = std::chrono::steady_clock::now();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - over.began);
    if (!over.peer) over.peer = peer();
    const Finished finished{in_head ? std::string_view{} : over.text(over.parser.head().method_name),
                            in_head ? std::string_view{} : over.text(over.parser.head().target),
                            *over.peer,
                            over.listener,
                            over.status,
                            over.written,
                            in_head ? std::chrono::microseconds{0} : took,
                            how()};
    worker::guarded("Options::on_finished", [&] { context_.options.on_finished(finished); });
}

Peer Protocol::peer() const {
    return peer_of(host_.socket());
}

void Protocol::tell_drain() {
    if (!context_.draining || exchange_ == nullptr || exchange_->draining == nullptr) return;
    if (exchange_->answering == Exchange::Answering::complete) return;
    Working scope(*this);
    const auto draining = std::exchange(exchange_->draining, nullptr);
    Response response(exchange_.get());
    guard([&] { draining(response, context_.drain()); });
}

// The request cannot be served. An answer that was begun can only be cut.
void Protocol::refuse(int status) {
    if (exchange_->answering == Exchange::Answering::nothing) {
        exchange_->forget_headers();
        exchange_->after = Exchange::After::close;
        const std::string_view reason = reason_phrase(status);
        become(Life::closing);
        write_head(status, reason.size() + 1, "text/plain");
        exchange_->status = status;
        // Also of a head that is refused the method may be known.
        if (exchange_->parser.head().method != Method::head) {
            exchange_->written = reason.size() + 1;
            output_.append({reason, "\n"});
        }
        exchange_->answering = Exchange::Answering::refused;
    }
    cut();
}

}  // namespace sup::http
