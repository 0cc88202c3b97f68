// Reads a chunked body (RFC 9112, 7.1) to the letter, with its extensions and trailers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sup::http {

class ChunkedReader {
public:
    enum class Step {
        need_more,  // everything given was read
        piece,      // a piece of the body
        end,        // the body is complete, and its trailers are known
        refused,    // see refusal()
    };

    // For the next body. All trailers together have at most `bytes`, and there are at most `trailers` of
    // them. What stands between the chunks may exceed what they hold by `bytes`.
    void reset(std::size_t bytes, std::size_t trailers);

    // Sets how many of the bytes were used, and for `piece` what of the body is among them. What comes of a
    // body does not depend on how it was cut.
    Step read(std::string_view bytes, std::size_t& used, std::string_view& piece);

    // The first trailer of that name (any case), without surrounding white space. Those that must not be
    // trailers (RFC 9110, 6.5.1) are not there: framing, routing, who asks, and what the content is.
    std::optional<std::string_view> trailer(std::string_view name) const;

    int refusal() const { return refusal_; }  // the status to answer with

private:
    enum class State {
        size_begin,
        size,
        extension_space,  // before or after a ";"
        extension_begin,
        extension_name,
        extension_equals,  // white space behind a name
        value_begin,
        value,
        quoted,
        quoted_pair,
        value_end,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_begin,
        trailer_name,
        trailer_value,
        trailer_lf,
        last_lf,
        complete
    };
    struct Trailer {
        std::string name;
        std::string value;
    };

    bool take(char c);
    bool take_size(char c);
    bool take_extension(char c);
    bool take_value(char c);
    bool take_trailer(char c);
    bool begin_trailer(char c);
    bool afford();
    bool go(State next);
    bool fail(int status);
    void begin_data();
    void end_trailer();

    State state_ = State::size_begin;
    std::uint64_t left_ = 0;  // of the chunk
    unsigned digits_ = 0;     // of its size
    std::uint64_t budget_ = 0;
    std::size_t trailer_bytes_ = 0;  // that may still come
    std::size_t trailer_count_ = 0;
    std::vector<Trailer> trailers_;
    Trailer current_;
    int refusal_ = 0;
};

}  // namespace sup::http
