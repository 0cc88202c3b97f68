#include "master/notify/line_splitter.h"

#include "common/safe_text.h"

namespace sup {
namespace {

constexpr std::string_view ellipsis = "…";
// A byte takes four when it is escaped.
constexpr std::size_t max_safe_bytes = 4 * max_line_bytes;

}  // namespace

void LineSplitter::feed(std::string_view bytes, const OnLine& on_line) {
    while (!bytes.empty()) {
        const std::size_t newline = bytes.find('\n');
        const bool whole = newline != std::string_view::npos;
        if (whole && partial_.empty() && newline <= max_line_bytes) {  // as nearly every line comes
            end_line(bytes.substr(0, newline), on_line);
            bytes.remove_prefix(newline + 1);
            continue;
        }
        partial_ += bytes.substr(0, whole ? newline : bytes.size());
        bytes.remove_prefix(whole ? newline + 1 : bytes.size());
        while (partial_.size() > max_line_bytes) cut(on_line);
        if (whole) end_partial(on_line);
    }
}

void LineSplitter::flush(const OnLine& on_line) {
    if (!partial_.empty()) end_partial(on_line);
}

void LineSplitter::cut(const OnLine& on_line) {
    const std::size_t length = complete_utf8_prefix(std::string_view{partial_}.substr(0, max_line_bytes));
    emit(std::string_view{partial_}.substr(0, length), true, on_line);
    partial_.erase(0, length);
    continued_ = true;
}

void LineSplitter::end_partial(const OnLine& on_line) {
    end_line(partial_, on_line);
    partial_.clear();
}

void LineSplitter::end_line(std::string_view line, const OnLine& on_line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    emit(line, false, on_line);
    continued_ = false;
}

void LineSplitter::emit(std::string_view line, bool continues, const OnLine& on_line) {
    if (!continued_ && !continues && is_plain(line)) return on_line(line);
    std::string text;
    if (continued_) text += ellipsis;
    text += safe_text(line, max_safe_bytes);
    if (continues) text += ellipsis;
    on_line(text);
}

}  // namespace sup
