// Requests with a body, and what is in it.
#pragma once

#include <cstddef>
#include <string>

namespace sup::test {

inline std::string post_head(std::size_t length) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

// `count` bytes from the `begin`th on. They differ everywhere, so that nothing lost or doubled goes unseen.
inline std::string pattern(std::size_t begin, std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t n = begin + i;
        bytes[i] = static_cast<char>('!' + (n * 7 + n / 251 + n / 65'521) % 90);
    }
    return bytes;
}

}  // namespace sup::test
