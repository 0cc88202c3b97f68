#include "worker/http/chunked.h"

#include <algorithm>
#include <array>

#include "worker/http/text.h"

namespace sup::http {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

std::uint64_t hex_value(char c) {
    return static_cast<std::uint64_t>(is_digit(c) ? c - '0' : lower(c) - 'a' + 10);
}

bool may_be_trailer(std::string_view name) {
    constexpr std::array<std::string_view, 21> never{"authorization",
                                                     "cache-control",
                                                     "connection",
                                                     "content-encoding",
                                                     "content-length",
                                                     "content-range",
                                                     "content-type",
                                                     "cookie",
                                                     "expect",
                                                     "host",
                                                     "keep-alive",
                                                     "max-forwards",
                                                     "proxy-authenticate",
                                                     "proxy-authorization",
                                                     "range",
                                                     "set-cookie",
                                                     "te",
                                                     "trailer",
                                                     "transfer-encoding",
                                                     "upgrade",
                                                     "www-authenticate"};
    return std::none_of(never.begin(), never.end(),
                        [name](std::string_view other) { return equal_ignoring_case(name, other); });
}

}  // namespace

void ChunkedReader::reset(std::size_t bytes, std::size_t trailers) {
    state_ = State::size_begin;
    left_ = 0;
    digits_ = 0;
    budget_ = bytes;
    trailer_bytes_ = bytes;
    trailer_count_ = trailers;
    trailers_.clear();
    current_ = {};
    refusal_ = 0;
}

ChunkedReader::Step ChunkedReader::read(std::string_view bytes, std::size_t& used, std::string_view& piece) {
    used = 0;
    while (state_ != State::complete) {
        if (refusal_ != 0) return Step::refused;
        if (used == bytes.size()) return Step::need_more;
        if (state_ == State::data) {
            piece = bytes.substr(used, std::min<std::uint64_t>(left_, bytes.size() - used));
            used += piece.size();
            left_ -= piece.size();
            budget_ += piece.size();
            if (left_ == 0) state_ = State::data_cr;
            return Step::piece;
        }
        take(bytes[used]);
        ++used;
    }
    return Step::end;
}

std::optional<std::string_view> ChunkedReader::trailer(std::string_view name) const {
    for (const Trailer& trailer : trailers_) {
        if (equal_ignoring_case(trailer.name, name)) return trim(trailer.value);
    }
    return std::nullopt;
}

bool ChunkedReader::go(State next) {
    state_ = next;
    return true;
}

bool ChunkedReader::fail(int status) {
    refusal_ = status;
    return false;
}

// RFC 9112, 7.1.1: the work that extensions make is bounded by what is sent with them.
bool ChunkedReader::afford() {
    if (budget_ == 0) return fail(431);
    --budget_;
    return true;
}

bool ChunkedReader::take(char c) {
    switch (state_) {
        case State::size_begin:
        case State::size: return take_size(c);
        case State::extension_space:
        case State::extension_begin:
        case State::extension_name:
        case State::extension_equals: return afford() && take_extension(c);
        case State::value_begin:
        case State::value:
        case State::quoted:
        case State::quoted_pair:
        case State::value_end: return afford() && take_value(c);
        case State::size_lf:
            if (c != '\n') return fail(400);
            begin_data();
            return true;
        case State::data_cr: return c == '\r' ? go(State::data_lf) : fail(400);
        case State::data_lf: return c == '\n' ? go(State::size_begin) : fail(400);
        case State::trailer_begin:
        case State::trailer_name:
        case State::trailer_value:
        case State::trailer_lf: return take_trailer(c);
        case State::last_lf: return c == '\n' ? go(State::complete) : fail(400);
        case State::data:
        case State::complete: break;
    }
    return false;
}

// 1*HEXDIG. Zeros before it cost what extensions cost.
bool ChunkedReader::take_size(char c) {
    if (is_hex(c)) {
        constexpr unsigned usual = 16;
        if (++digits_ > usual && !afford()) return false;
        if (left_ >> 60 != 0) return fail(400);  // RFC 9112, 7.1: a size that overflows is no size
        left_ = left_ << 4 | hex_value(c);
        return go(State::size);
    }
    if (state_ == State::size_begin) return fail(400);
    if (c == '\r') return go(State::size_lf);
    if (c == ';') return afford() && go(State::extension_begin);
    return is_space(c) ? afford() && go(State::extension_space) : fail(400);
}

// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
bool ChunkedReader::take_extension(char c) {
    if (state_ == State::extension_space) {
        if (c == ';') return go(State::extension_begin);
        return is_space(c) ? true : fail(400);
    }
    if (state_ == State::extension_begin) {
        if (is_token_char(c)) return go(State::extension_name);
        return is_space(c) ? true : fail(400);
    }
    if (state_ == State::extension_name && is_token_char(c)) return true;
    if (state_ == State::extension_name && c == '\r') return go(State::size_lf);
    if (c == '=') return go(State::value_begin);
    if (c == ';') return go(State::extension_begin);
    return is_space(c) ? go(State::extension_equals) : fail(400);
}

bool ChunkedReader::take_value(char c) {
    if (state_ == State::value_begin) {
        if (c == '"') return go(State::quoted);
        if (is_token_char(c)) return go(State::value);
        return is_space(c) ? true : fail(400);
    }
    if (state_ == State::quoted_pair) return is_value_char(c) ? go(State::quoted) : fail(400);
    if (state_ == State::quoted) {
        if (c == '\\') return go(State::quoted_pair);
        if (c == '"') return go(State::value_end);
        return is_value_char(c) ? true : fail(400);
    }
    if (state_ == State::value && is_token_char(c)) return true;
    if (c == '\r') return go(State::size_lf);
    if (c == ';') return go(State::extension_begin);
    return is_space(c) ? go(State::extension_space) : fail(400);
}

void ChunkedReader::begin_data() {
    state_ = left_ == 0 ? State::trailer_begin : State::data;
    digits_ = 0;
}

bool ChunkedReader::take_trailer(char c) {
    if (state_ == State::trailer_begin && c == '\r') return go(State::last_lf);
    if (trailer_bytes_ == 0) return fail(431);
    --trailer_bytes_;
    if (state_ == State::trailer_begin) return is_token_char(c) ? begin_trailer(c) : fail(400);
    if (state_ == State::trailer_name) {
        if (c == ':') return go(State::trailer_value);
        current_.name += c;
        return is_token_char(c) ? true : fail(400);
    }
    if (state_ == State::trailer_value) {
        if (c == '\r') return go(State::trailer_lf);
        current_.value += c;
        return is_value_char(c) ? true : fail(400);
    }
    if (c != '\n') return fail(400);
    end_trailer();
    return true;
}

bool ChunkedReader::begin_trailer(char c) {
    if (trailer_count_ == 0) return fail(431);
    --trailer_count_;
    current_.name += c;
    return go(State::trailer_name);
}

void ChunkedReader::end_trailer() {
    if (may_be_trailer(current_.name)) trailers_.push_back(std::move(current_));
    current_ = {};
    state_ = State::trailer_begin;
}

}  // namespace sup::http
