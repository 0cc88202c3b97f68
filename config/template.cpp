#include "config/template.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/display.h"
#include "config/nearest.h"

namespace sup::config {
namespace {

constexpr std::array<Word, 8> words_of_a_configuration{{{"fd", true},
                                                        {"address", true},
                                                        {"host", true},
                                                        {"port", true},
                                                        {"path", true},
                                                        {"generation", false},
                                                        {"slot", false},
                                                        {"instance", false}}};

std::string example(const Word& word) {
    return "{" + std::string(word.name) + (word.of_listener ? ":LISTENER}" : "}");
}

// "; did you mean {slot}?", or all that there are.
std::string suggest(std::string_view written, std::span<const Word> words) {
    std::vector<std::string_view> names;
    std::string all;
    for (const Word& word : words) {
        names.push_back(word.name);
        all += (all.empty() ? "" : ", ") + example(word);
    }
    const auto meant = nearest(written, names);
    if (!meant) return "; the placeholders are " + all + ", and {{ for a brace";
    return "; did you mean " + example(*std::ranges::find(words, *meant, &Word::name)) +
           "? ({{ stands for a brace)";
}

// What is between the braces.
Result<Placeholder, TemplateProblem> parse_placeholder(std::string_view inside, std::size_t at,
                                                       std::span<const Word> words) {
    const std::size_t colon = std::min(inside.find(':'), inside.size());
    const std::string_view name = inside.substr(0, colon);
    const std::string_view listener = inside.substr(std::min(colon + 1, inside.size()));
    const auto word = std::ranges::find(words, name, &Word::name);
    const std::string written = "{" + excerpt(inside) + "}";
    if (word == words.end()) {
        return TemplateProblem{at, "unknown placeholder " + written + suggest(name, words)};
    }
    if (word->of_listener && listener.empty()) {
        return TemplateProblem{at, written + " does not say of which listener; write " + example(*word)};
    }
    if (!word->of_listener && colon != inside.size()) {
        return TemplateProblem{at, written + " is not about a listener; write " + example(*word)};
    }
    return Placeholder{std::string(name), std::string(listener), at};
}

}  // namespace

std::span<const Word> configuration_words() {
    return words_of_a_configuration;
}

Template::Template(std::string literal) : text_(std::move(literal)) {
    if (!text_.empty()) pieces_.emplace_back(text_);
}

Result<Template, TemplateProblem> Template::parse(std::string_view text, std::span<const Word> words) {
    Template result;
    result.text_ = text;
    std::string literal;
    const auto end_literal = [&] {
        if (!literal.empty()) result.pieces_.emplace_back(std::exchange(literal, {}));
    };
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] != '{') {
            literal += text[at++];
            continue;
        }
        if (text.substr(at).starts_with("{{")) {
            literal += '{';
            at += 2;
            continue;
        }
        const std::size_t end = text.find('}', at);
        if (end == text.npos) {
            return TemplateProblem{at,
                                   "a { begins a placeholder such as {fd:http}, and this one has no }; "
                                   "write {{ for a brace"};
        }
        auto placeholder = parse_placeholder(text.substr(at + 1, end - at - 1), at, words);
        if (!placeholder) return placeholder.error();
        end_literal();
        result.pieces_.emplace_back(*std::move(placeholder));
        at = end + 1;
    }
    end_literal();
    return result;
}

std::vector<Placeholder> Template::placeholders() const {
    std::vector<Placeholder> all;
    for (const Piece& piece : pieces_) {
        if (const auto* placeholder = std::get_if<Placeholder>(&piece)) all.push_back(*placeholder);
    }
    return all;
}

}  // namespace sup::config
