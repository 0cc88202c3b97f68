#include "master/workers/hint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

namespace sup {
namespace {

// As different languages put it: strerror(3), Node's and Ruby's name of the error, Rust's, gunicorn's own
// words.
constexpr std::array<std::string_view, 4> phrases{"address already in use", "eaddrinuse", "addrinuse",
                                                  "connection in use"};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool says_in_use(const std::string& line) {
    return std::ranges::any_of(phrases, [words = lower(line)](std::string_view phrase) {
        return words.find(phrase) != std::string::npos;
    });
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The port of "127.0.0.1:80", the path of "unix:/run/x.sock".
std::string tail_of(const std::string& address) {
    const std::size_t path = address.find('/');
    return path != address.npos ? address.substr(path) : address.substr(address.rfind(':') + 1);
}

// Whether `tail` is there, and is not part of a longer number.
bool names(const std::string& line, const std::string& tail) {
    for (std::size_t at = line.find(tail); at != line.npos; at = line.find(tail, at + 1)) {
        const std::size_t end = at + tail.size();
        const bool longer = (at > 0 && is_digit(line[at - 1])) || (end < line.size() && is_digit(line[end]));
        if (!longer) return true;
    }
    return false;
}

// Of the colon in "15:41:00".
bool is_of_a_time(const std::string& line, std::size_t colon) {
    const auto digit = [&](std::size_t at) { return at < line.size() && is_digit(line[at]); };
    return colon >= 2 && digit(colon - 1) && digit(colon - 2) &&
           !(colon >= 3 && (digit(colon - 3) || line[colon - 3] == '.')) && digit(colon + 1) &&
           digit(colon + 2) && !digit(colon + 3);
}

// Whether the line names a port as people and programs do: ":80", "port 80", "', 80)".
bool names_a_port(const std::string& line) {
    const std::string words = lower(line);
    for (const std::string_view before : {":", "port ", "port: ", "', "}) {
        for (std::size_t at = words.find(before); at != words.npos; at = words.find(before, at + 1)) {
            const std::size_t digit = at + before.size();
            if (digit < words.size() && is_digit(words[digit]) && !is_of_a_time(words, at)) return true;
        }
    }
    return false;
}

// Which of the addresses the line is about; the first where it does not say.
std::optional<std::size_t> meant_by(const std::string& line, const std::vector<std::string>& addresses) {
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        if (names(line, tail_of(addresses[i]))) return i;
    }
    if (names_a_port(line) || addresses.empty()) return std::nullopt;
    return 0;
}

}  // namespace

std::string hint_about_address_in_use(const std::vector<std::string>& last_lines,
                                      const std::vector<std::string>& addresses, int first_descriptor) {
    for (const std::string& line : last_lines) {
        if (!says_in_use(line)) continue;
        const auto meant = meant_by(line, addresses);
        if (!meant) continue;
        return fmt::format(
            "sup holds {}: the worker must not bind it, but take descriptor {} ({}; docs/workers.md shows "
            "how "
            "for many servers)",
            addresses[*meant], first_descriptor + static_cast<int>(*meant),
            first_descriptor == 0 ? "as its standard input" : "LISTEN_FDS says so");
    }
    return {};
}

}  // namespace sup
