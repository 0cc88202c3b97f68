// Cuts a stream of bytes into lines. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace sup {

// The longest line, in bytes as they come; a longer one is cut, between characters, and both sides of a cut
// get an ellipsis.
inline constexpr std::size_t max_line_bytes = std::size_t{8} * 1024;

class LineSplitter {
public:
    // Lines come without their end ("\n" or "\r\n"), made safe (safe_text.h). The view is valid during the
    // call.
    using OnLine = std::function<void(std::string_view line)>;

    void feed(std::string_view bytes, const OnLine& on_line);
    // Gives out a last line that has no end.
    void flush(const OnLine& on_line);

private:
    void cut(const OnLine& on_line);
    void end_partial(const OnLine& on_line);
    void end_line(std::string_view line, const OnLine& on_line);
    void emit(std::string_view line, bool continues, const OnLine& on_line);

    std::string partial_;
    bool continued_ = false;
};

}  // namespace sup
