#include "master/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/result.h"
#include "common/safe_text.h"

namespace sup::cli {
namespace {

bool continues_a_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

std::string_view variable(const char* name) {
    const char* value = ::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

std::string Style::operator()(Colour colour, std::string_view text) const {
    const auto wrap = [&](const char* code) { return std::string(code) + std::string(text) + "\033[0m"; };
    if (!colours_ || text.empty()) return std::string(text);
    switch (colour) {
        case Colour::none: return std::string(text);
        case Colour::bold: return wrap("\033[1m");
        case Colour::dim: return wrap("\033[2m");
        case Colour::red: return wrap("\033[31m");
        case Colour::green: return wrap("\033[32m");
        case Colour::yellow: return wrap("\033[33m");
    }
    std::abort();
}

bool is_terminal(int fd) {
    return ::isatty(fd) == 1;
}

bool can_draw(int fd) {
    const auto kind = variable("TERM");
    return is_terminal(fd) && !kind.empty() && kind != "dumb";
}

Style style_for(int fd) {
    return Style{can_draw(fd) && variable("NO_COLOR").empty()};
}

std::size_t terminal_width(int fd) {
    constexpr std::size_t usual = 80;
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for (const char byte : text) width += continues_a_character(byte) ? 0 : 1;
    return width;
}

std::string harmless(std::string_view text, std::string_view line_end) {
    std::string safe;
    for (const char byte : safe_lines(text)) {
        if (byte == '\n') {
            safe += line_end;
        } else {
            safe += byte == '\t' ? ' ' : byte;  // a tab would shift a table's columns
        }
    }
    return safe;
}

std::string shortened(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::size_t bytes = 0;
    for (std::size_t seen = 0; bytes < text.size(); ++bytes) {
        if (!continues_a_character(text[bytes]) && ++seen == width) break;
    }
    return std::string(text.substr(0, bytes)) + "…";
}

void print_error(std::string_view message) {
    write_text(STDERR_FILENO, "sup: " + harmless(message, "\n     ") + "\n");
}

int write_text(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(fd, text.data(), text.size());
        if (size < 0 && errno != EINTR) return errno;
        if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
    }
    return 0;
}

bool print(std::string_view text) {
    const int problem = write_text(STDOUT_FILENO, text);
    if (problem != 0 && problem != EPIPE)
        print_error(errno_error("cannot write to standard output", problem).message);
    return problem == 0;
}

}  // namespace sup::cli
