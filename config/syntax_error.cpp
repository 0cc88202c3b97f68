#include "config/syntax_error.h"

#include <algorithm>
#include <array>

#include "config/display.h"

namespace sup::config {
namespace {

constexpr std::string_view invalid_string = "invalid string: ";

// The separators behind the last good token were good too, up to the last token that the parser began.
std::size_t begin_of_bad_token(const SourceText& text, const ParserFailure& failure) {
    std::size_t at = text.skip_blanks(failure.end_of_last);
    const std::string_view all = text.view();
    while (at < all.size() && (all[at] == ',' || all[at] == ':') && at + 1 < failure.reached) {
        at = text.skip_blanks(at + 1);
    }
    return at;
}

std::string found_at(std::string_view all, std::size_t offset) {
    constexpr std::string_view separators = "{}[]:,";
    const std::string_view rest = all.substr(offset);
    std::size_t length = 1;
    if (rest.front() == '"') {
        length = rest.find('"', 1) == rest.npos ? rest.npos : rest.find('"', 1) + 1;
    } else if (separators.find(rest.front()) == separators.npos) {
        length = rest.find_first_of(" \t\r\n\"{}[]:,");
    }
    return excerpt(rest.substr(0, length));
}

// What the grammar allows at the place, by the parser's own word for the place.
std::string_view expectation(const ParserFailure& failure) {
    struct Context {
        std::string_view parser_says;
        std::string_view expected;
    };
    static constexpr std::array<Context, 5> contexts{{{"parsing object key", "a key in double quotes"},
                                                      {"parsing object separator", "':' after the key"},
                                                      {"parsing object ", "',' or '}'"},
                                                      {"parsing array ", "',' or ']'"},
                                                      {"", "a value"}}};
    if (!failure.unclosed && failure.end_of_last > 0) return "the end of the file";
    return std::ranges::find_if(contexts, [&](const Context& c) { return failure.says(c.parser_says); })
        ->expected;
}

// The usual slips of people who write other languages too.
std::string_view advice(std::string_view all, std::size_t offset) {
    const char found = all[offset];
    if (found == '\'') return " (strings are written in double quotes)";
    if (found == '#' || found == '/') return " (a comment begins with //)";
    return "";
}

SyntaxError unexpected_token(const SourceText& text, const ParserFailure& failure) {
    const std::string_view all = text.view();
    const std::size_t offset = begin_of_bad_token(text, failure);
    if (all[offset] == '}' || all[offset] == ']') {
        const std::size_t separator = text.skip_blanks(failure.end_of_last);
        if (all[separator] == ',')
            return {separator, std::string("a comma before the closing ") + all[offset]};
    }
    return {offset, "expected " + std::string(expectation(failure)) + ", found " + found_at(all, offset) +
                        std::string(advice(all, offset))};
}

// The parser stops at the byte that does not continue a character; the character began before it.
std::size_t begin_of_character(std::string_view all, std::size_t at) {
    for (std::size_t back = 1; back <= 3 && back <= at; ++back) {
        const auto byte = static_cast<unsigned char>(all[at - back]);
        const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        if (length > back) return at - back;
    }
    return at;
}

SyntaxError bad_string(const SourceText& text, const ParserFailure& failure) {
    const std::string_view all = text.view();
    const std::size_t begin = begin_of_bad_token(text, failure);
    const std::size_t last = failure.reached - 1;
    if (failure.says("missing closing quote") || all[last] == '\n' || all[last] == '\r') {
        return {begin, "a string without its closing quote"};
    }
    if (failure.says("ill-formed UTF-8")) return {begin_of_character(all, last), "not UTF-8 text"};
    const std::string_view reason =
        failure.what.substr(failure.what.find(invalid_string) + invalid_string.size());
    return {last, "in a string: " + printable(reason)};
}

SyntaxError early_end(const SourceText& text, const ParserFailure& failure) {
    std::size_t end = text.view().find_last_not_of(" \t\r\n");
    end = end == std::string_view::npos ? text.view().size() : end + 1;
    if (!failure.unclosed) return {end, "the file has no content, expected an object"};
    const Position begin = text.position(*failure.unclosed);
    const std::string what = text.view()[*failure.unclosed] == '{' ? "object" : "array";
    return {end, "the file ends here, but the " + what + " that begins at line " +
                     std::to_string(begin.line) + ", column " + std::to_string(begin.column) +
                     " is not closed"};
}

}  // namespace

SyntaxError explain_syntax_error(const SourceText& text, ParserFailure failure) {
    // What follows repeats the text, which may say anything.
    failure.what = failure.what.substr(0, failure.what.find("; last read: "));
    if (failure.says("missing closing '*/'"))
        return {begin_of_bad_token(text, failure), "a comment without its closing */"};
    if (failure.says(invalid_string)) return bad_string(text, failure);
    if (failure.says("invalid BOM")) return {0, "not UTF-8 text"};
    if (failure.says("number overflow"))
        return {begin_of_bad_token(text, failure), "a number too large to count"};
    if (failure.says("unexpected end of input")) return early_end(text, failure);
    return unexpected_token(text, failure);
}

}  // namespace sup::config
