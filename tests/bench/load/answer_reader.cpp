#include "tests/bench/load/answer_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sup::bench {
namespace {

bool same_word(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

}  // namespace

void AnswerReader::begin(std::string_view expected_body) noexcept {
    state_ = State::reading;
    part_ = Part::status_line;
    started_ = chunked_ = has_length_ = announces_close_ = body_differs_ = false;
    status_ = 0;
    left_ = body_size_ = 0;
    line_size_ = 0;
    expected_body_ = expected_body;
}

std::size_t AnswerReader::feed(std::string_view bytes) noexcept {
    std::size_t used = 0;
    if (!bytes.empty()) started_ = true;
    while (used < bytes.size() && state_ == State::reading) {
        const bool in_body = part_ == Part::body || part_ == Part::body_to_the_end || part_ == Part::chunk;
        used += in_body ? feed_body(bytes.substr(used)) : feed_line(bytes.substr(used));
    }
    return used;
}

std::size_t AnswerReader::feed_line(std::string_view bytes) noexcept {
    const std::size_t end = bytes.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::size_t used = whole ? end + 1 : bytes.size();
    if (whole && line_size_ == 0) {
        on_line(trimmed(bytes.substr(0, end)));
        return used;
    }
    const std::size_t kept = std::min(used, line_.size() - line_size_);
    std::memcpy(line_.data() + line_size_, bytes.data(), kept);
    line_size_ += kept;
    if (!whole) return used;
    std::string_view line(line_.data(), line_size_);
    if (line.back() == '\n') line.remove_suffix(1);
    line_size_ = 0;
    on_line(trimmed(line));
    return used;
}

std::size_t AnswerReader::feed_body(std::string_view bytes) noexcept {
    if (part_ != Part::body_to_the_end) bytes = bytes.substr(0, left_);
    if (body_size_ == 0) beginning_size_ = 0;
    const std::size_t kept = std::min(bytes.size(), beginning_.size() - beginning_size_);
    std::memcpy(beginning_.data() + beginning_size_, bytes.data(), kept);
    beginning_size_ += kept;
    if (!expected_body_.empty() && !body_differs_) {
        body_differs_ = body_size_ + bytes.size() > expected_body_.size() ||
                        std::memcmp(expected_body_.data() + body_size_, bytes.data(), bytes.size()) != 0;
    }
    body_size_ += bytes.size();
    if (part_ == Part::body_to_the_end) return bytes.size();
    left_ -= bytes.size();
    if (left_ == 0) {
        if (part_ == Part::body) state_ = State::complete;
        part_ = Part::chunk_end;
    }
    return bytes.size();
}

void AnswerReader::on_line(std::string_view line) noexcept {
    switch (part_) {
        case Part::status_line: on_status_line(line); break;
        case Part::headers: line.empty() ? on_headers_end() : on_header(line); break;
        case Part::chunk_size: on_chunk_size(line); break;
        case Part::chunk_end: line.empty() ? void(part_ = Part::chunk_size) : malformed(); break;
        case Part::trailers:
            if (line.empty()) state_ = State::complete;
            break;
        case Part::body:
        case Part::body_to_the_end:
        case Part::chunk: break;
    }
}

void AnswerReader::on_status_line(std::string_view line) noexcept {
    const bool http = line.size() >= 12 && line.substr(0, 7) == "HTTP/1." && line[8] == ' ';
    if (!http || std::from_chars(line.data() + 9, line.data() + 12, status_).ptr != line.data() + 12)
        return malformed();
    announces_close_ = line[7] == '0';
    part_ = Part::headers;
}

void AnswerReader::on_header(std::string_view line) noexcept {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return malformed();
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same_word(name, "content-length")) {
        const auto [rest, problem] = std::from_chars(value.data(), value.data() + value.size(), left_);
        if (problem != std::errc{} || rest != value.data() + value.size()) return malformed();
        has_length_ = true;
    } else if (same_word(name, "transfer-encoding")) {
        chunked_ = same_word(value, "chunked");
    } else if (same_word(name, "connection")) {
        if (same_word(value, "close")) announces_close_ = true;
        if (same_word(value, "keep-alive")) announces_close_ = false;
    }
}

void AnswerReader::on_headers_end() noexcept {
    if (status_ < 200) {
        part_ = Part::status_line;  // an interim answer: the real one follows
    } else if (status_ == 204 || status_ == 304) {
        state_ = State::complete;
    } else if (chunked_) {
        part_ = Part::chunk_size;
    } else if (has_length_) {
        part_ = Part::body;
        if (left_ == 0) state_ = State::complete;
    } else {
        part_ = Part::body_to_the_end;
        announces_close_ = true;
    }
}

void AnswerReader::on_chunk_size(std::string_view line) noexcept {
    const char* const end = line.data() + line.size();
    const auto [rest, problem] = std::from_chars(line.data(), end, left_, 16);
    if (problem != std::errc{} || (rest != end && *rest != ';' && *rest != ' ')) return malformed();
    part_ = left_ == 0 ? Part::trailers : Part::chunk;
}

void AnswerReader::end_of_file() noexcept {
    if (state_ == State::reading && part_ == Part::body_to_the_end) state_ = State::complete;
}

bool AnswerReader::body_is_as_expected() const noexcept {
    return expected_body_.empty() || (!body_differs_ && body_size_ == expected_body_.size());
}

std::string_view AnswerReader::beginning() const noexcept {
    return {beginning_.data(), beginning_size_};
}

}  // namespace sup::bench
