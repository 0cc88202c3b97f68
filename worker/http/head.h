// What is known of a request once its head is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sup/http/request.h"

namespace sup::http {

// A part of a message's head, counted from the message's first byte: survives the bytes being moved.
struct Range {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;

    std::size_t end() const { return std::size_t{begin} + size; }
    std::string_view in(const char* message) const { return {message + begin, size}; }
    static Range of(std::string_view part, const char* message) {
        return {static_cast<std::uint32_t>(part.data() - message), static_cast<std::uint32_t>(part.size())};
    }
};

struct HeaderRange {
    Range name;
    Range value;
};

struct Head {
    Method method = Method::other;
    Range method_name;
    Range target;
    Range authority;  // the target's, else that of Host; may be empty
    std::uint8_t minor_version = 0;
    bool keep_alive = false;  // by version and Connection header
    bool expect_continue = false;
    bool chunked = false;
    std::uint64_t content_length = 0;  // 0 when chunked or without a body
    std::vector<HeaderRange> headers;

    bool has_body() const { return chunked || content_length > 0; }
};

}  // namespace sup::http
