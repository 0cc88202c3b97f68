// Reads HTTP/1.x answers as they arrive in pieces, one after the other, without allocating.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sup::bench {

class AnswerReader {
public:
    enum class State { reading, complete, malformed };

    // Forgets the last answer. When `expected_body` is not empty the body is compared with it as it arrives;
    // the text must outlive the answer.
    void begin(std::string_view expected_body) noexcept;

    // Takes bytes up to the end of the answer and says how many; what is behind it belongs to nobody yet.
    std::size_t feed(std::string_view bytes) noexcept;

    // The server has closed: the end of an answer that has no length, otherwise a cut.
    void end_of_file() noexcept;

    State state() const noexcept { return state_; }
    bool started() const noexcept { return started_; }
    int status() const noexcept { return status_; }
    // The connection ends with this answer, by its version and headers.
    bool announces_close() const noexcept { return announces_close_; }
    bool body_is_as_expected() const noexcept;
    // The first bytes of the body, or of the last answer's until this one has a body.
    std::string_view beginning() const noexcept;

private:
    enum class Part { status_line, headers, body, body_to_the_end, chunk_size, chunk, chunk_end, trailers };

    std::size_t feed_line(std::string_view bytes) noexcept;
    std::size_t feed_body(std::string_view bytes) noexcept;
    void on_line(std::string_view line) noexcept;
    void on_status_line(std::string_view line) noexcept;
    void on_header(std::string_view line) noexcept;
    void on_headers_end() noexcept;
    void on_chunk_size(std::string_view line) noexcept;
    void malformed() noexcept { state_ = State::malformed; }

    State state_ = State::complete;
    Part part_ = Part::status_line;
    bool started_ = false;
    bool chunked_ = false;
    bool has_length_ = false;
    bool announces_close_ = false;
    bool body_differs_ = false;
    int status_ = 0;
    std::uint64_t left_ = 0;       // bytes of the body, or of this chunk
    std::uint64_t body_size_ = 0;  // received so far
    std::string_view expected_body_;
    std::array<char, 256> line_{};  // a line that came in pieces, cut at this length
    std::size_t line_size_ = 0;
    std::array<char, 48> beginning_{};
    std::size_t beginning_size_ = 0;
};

}  // namespace sup::bench
