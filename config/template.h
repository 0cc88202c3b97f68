// Text with placeholders, as a worker's arguments and environment values may be: "--fd={fd:http}".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/result.h"

namespace sup::config {

// "{fd:http}" is the word "fd" about the listener "http"; "{slot}" is a word about the worker.
struct Placeholder {
    std::string word;
    std::string listener;  // empty: about the worker
    std::size_t at = 0;    // offset of its brace in the text

    friend bool operator==(const Placeholder&, const Placeholder&) = default;
};
using Piece = std::variant<std::string, Placeholder>;

struct TemplateProblem {
    std::size_t at = 0;  // offset in the text
    std::string message;
};

// A word that a template may use, and whether it is about a listener.
struct Word {
    std::string_view name;
    bool of_listener;
};
// Those of a configuration.
std::span<const Word> configuration_words();

class Template {
public:
    Template() = default;
    // Nothing in it is a placeholder.
    explicit Template(std::string literal);

    // "{{" is a brace; each other "{" begins a placeholder, which must be one of `words`. Whether there is
    // such a listener is not asked.
    static Result<Template, TemplateProblem> parse(std::string_view text,
                                                   std::span<const Word> words = configuration_words());

    // As it was written.
    const std::string& text() const noexcept { return text_; }
    const std::vector<Piece>& pieces() const noexcept { return pieces_; }
    std::vector<Placeholder> placeholders() const;

    friend bool operator==(const Template&, const Template&) = default;

private:
    std::string text_;
    std::vector<Piece> pieces_;
};

}  // namespace sup::config
