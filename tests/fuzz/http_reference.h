// Another reading of the same bytes, by the letter of RFC 9112 and by nothing of the parser: the whole input
// is there at once, lines are split at CRLF, and what is not plainly right ends it.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sup::test {

struct SeenRequest {
    std::string method;
    std::string target;
    std::string body;  // as far as it is there
};

class StrictReader {
public:
    explicit StrictReader(std::string_view bytes) : rest_(bytes) {
        while (read_request()) {
        }
    }

    const std::vector<SeenRequest>& requests() const { return requests_; }

private:
    struct Framing {
        std::optional<std::uint64_t> length;
        bool chunked = false;
    };

    std::optional<std::string_view> line() {
        const std::size_t end = rest_.find("\r\n");
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view text = rest_.substr(0, end);
        if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return std::nullopt;
        rest_.remove_prefix(end + 2);
        return text;
    }

    bool read_request() {
        std::optional<std::string_view> text = line();
        while (text && text->empty()) text = line();
        if (!text || std::count(text->begin(), text->end(), ' ') != 2) return false;
        const std::size_t first = text->find(' ');
        const std::size_t last = text->rfind(' ');
        const std::string_view version = text->substr(last + 1);
        if (version.size() != 8 || version.substr(0, 7) != "HTTP/1.") return false;
        const auto framing = read_headers();
        if (!framing || (framing->chunked && version == "HTTP/1.0")) return false;
        requests_.push_back({std::string(text->substr(0, first)),
                             std::string(text->substr(first + 1, last - first - 1)), ""});
        return framing->chunked ? read_chunks() : read_bytes(framing->length.value_or(0));
    }

    std::optional<Framing> read_headers() {
        Framing framing;
        for (auto text = line(); text; text = line()) {
            if (text->empty()) {
                if (framing.chunked && framing.length) return std::nullopt;
                return framing;
            }
            const std::size_t colon = text->find(':');
            if (colon == std::string_view::npos ||
                !take_header(text->substr(0, colon), text->substr(colon + 1), framing)) {
                return std::nullopt;
            }
        }
        return std::nullopt;
    }

    static bool take_header(std::string_view name, std::string_view value, Framing& framing) {
        if (name.empty() || name.find_first_of(" \t") != std::string_view::npos) return false;
        std::string lower(name);
        for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
        while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
        if (lower == "content-length") {
            if (framing.length) return false;
            framing.length = number(value, 10);
            return framing.length.has_value();
        }
        if (lower == "transfer-encoding") {
            const bool twice = framing.chunked;
            framing.chunked = value.size() == 7 && (value[0] == 'c' || value[0] == 'C');
            return framing.chunked && !twice;
        }
        return true;
    }

    static std::optional<std::uint64_t> number(std::string_view text, int base) {
        std::uint64_t value = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
        if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size())
            return std::nullopt;
        return value;
    }

    bool read_bytes(std::uint64_t count) {
        const std::string_view piece = rest_.substr(0, count);
        requests_.back().body += piece;
        rest_.remove_prefix(piece.size());
        return piece.size() == count;
    }

    bool read_chunks() {
        while (true) {
            const std::size_t digits = std::min(rest_.find_first_of("\r; \t"), rest_.size());
            const auto size = number(rest_.substr(0, digits), 16);
            if (!size || !line()) return false;
            if (*size == 0) return read_trailers();
            if (!read_bytes(*size) || rest_.substr(0, 2) != "\r\n") return false;
            rest_.remove_prefix(2);
        }
    }

    bool read_trailers() {
        for (auto text = line(); text; text = line()) {
            if (text->empty()) return true;
            if (text->find(':') == std::string_view::npos) return false;
        }
        return false;
    }

    std::string_view rest_;
    std::vector<SeenRequest> requests_;
};

}  // namespace sup::test
