#include "config/json_tree.h"

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "config/display.h"
#include "config/syntax_error.h"

namespace sup::config {
namespace {

// Tells how far the parser has read. The parser takes its iterators by value, so the place is kept outside.
class CountingIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}

    reference operator*() const { return *at_; }
    CountingIterator& operator++() {
        *reached_ = ++at_;
        return *this;
    }
    CountingIterator operator++(int) {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at_ == b.at_; }

private:
    const char* at_;
    const char** reached_;
};

// The end of the number that begins at `at`, by JSON's grammar; "01" is the number 0 and something else.
std::size_t end_of_number(std::string_view text, std::size_t at) {
    const auto is = [&](std::string_view characters) {
        return at < text.size() && characters.find(text[at]) != characters.npos;
    };
    const auto skip_digits = [&] {
        while (is("0123456789")) ++at;
    };
    if (is("-")) ++at;
    if (is("0")) {
        ++at;
    } else {
        skip_digits();
    }
    if (is(".")) {
        ++at;
        skip_digits();
    }
    if (is("eE")) {
        ++at;
        if (is("+-")) ++at;
        skip_digits();
    }
    return at;
}

// nlohmann's SAX interface. The parser reports each token before it reads the next one, so what lies between
// the end of the token before and the token itself is blanks and separators only: that is how a token's begin
// is found.
class TreeBuilder {
public:
    TreeBuilder(const SourceText& text, Collector& problems) : text_(text), problems_(problems) {}

    bool parse() {
        const std::string_view all = text_.view();
        const CountingIterator first(all.data(), &reached_);
        const CountingIterator last(all.data() + all.size(), &reached_);
        reached_ = all.data();
        return nlohmann::json::sax_parse(first, last, this, nlohmann::json::input_format_t::json, true, true);
    }
    Node take() { return std::move(root_); }

    bool null() { return scalar(Kind::null, "null"); }
    bool boolean(bool value) { return scalar(Kind::boolean, value ? "true" : "false"); }
    bool number_integer(std::int64_t) { return number(); }
    bool number_unsigned(std::uint64_t) { return number(); }
    bool number_float(double, const std::string&) { return number(); }
    bool string(std::string& value) { return scalar(Kind::string, std::move(value)); }
    bool binary(nlohmann::json::binary_t&) { return false; }  // not in JSON texts
    bool start_object(std::size_t) { return open(Kind::object); }
    bool start_array(std::size_t) { return open(Kind::array); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }

    bool key(std::string& name) {
        key_begin_ = token_begin();
        key_ = std::move(name);
        end_of_last_ = reached();
        return true;
    }

    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) {
        std::optional<std::size_t> unclosed;
        if (!open_.empty()) unclosed = open_.back()->begin;
        const SyntaxError found =
            explain_syntax_error(text_, {end_of_last_, reached(), unclosed, error.what()});
        problems_.add(found.offset, "", found.message);
        return false;
    }

private:
    std::size_t reached() const { return static_cast<std::size_t>(reached_ - text_.view().data()); }

    std::size_t token_begin() const {
        std::size_t at = text_.skip_blanks(end_of_last_);
        while (text_.view()[at] == ',' || text_.view()[at] == ':') at = text_.skip_blanks(at + 1);
        return at;
    }

    Node& append(Kind kind, std::string text) {
        Node* node = &root_;
        if (!open_.empty()) node = &open_.back()->children.emplace_back();
        node->kind = kind;
        node->begin = token_begin();
        node->text = std::move(text);
        node->key_begin = key_begin_;
        node->key = std::exchange(key_, {});
        return *node;
    }

    bool scalar(Kind kind, std::string text) {
        append(kind, std::move(text));
        end_of_last_ = reached();
        return true;
    }

    // To know where a number ends the parser has read the character behind it, which may begin a comment.
    bool number() {
        const std::size_t begin = token_begin();
        const std::size_t end = end_of_number(text_.view(), begin);
        append(Kind::number, std::string(text_.view().substr(begin, end - begin)));
        end_of_last_ = end;
        return true;
    }

    bool open(Kind kind) {
        if (open_.size() == deepest_nesting) {
            problems_.add(token_begin(), "",
                          "nested deeper than " + std::to_string(deepest_nesting) +
                              " levels, too deep for a configuration");
            return false;
        }
        open_.push_back(&append(kind, {}));
        end_of_last_ = reached();
        return true;
    }

    bool close() {
        open_.pop_back();
        end_of_last_ = reached();
        return true;
    }

    const SourceText& text_;
    Collector& problems_;
    const char* reached_ = nullptr;
    std::size_t end_of_last_ = 0;
    std::size_t key_begin_ = 0;
    std::string key_;
    Node root_;
    std::vector<Node*> open_;  // a node's children do not move while one of them is open
};

void report_duplicate(const Node& again, const Node& first, const std::string& pointer, Collector& problems) {
    if (problems.full()) return problems.omit();
    const Position before = problems.position(first.key_begin);
    problems.add(again.key_begin, pointer + pointer_token(again.key),
                 "given twice; the first is at line " + std::to_string(before.line) + ", column " +
                     std::to_string(before.column));
}

void report_duplicate_keys(const Node& node, const std::string& pointer, Collector& problems) {
    std::unordered_map<std::string_view, const Node*> first;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
        const Node& child = node.children[i];
        if (node.kind == Kind::object) {
            const auto [seen, is_new] = first.emplace(child.key, &child);
            if (!is_new) report_duplicate(child, *seen->second, pointer, problems);
        }
        if (child.children.empty()) continue;
        const std::string token = pointer_token(node.kind == Kind::object ? child.key : std::to_string(i));
        report_duplicate_keys(child, pointer + token, problems);
    }
}

}  // namespace

const Node* Node::find(std::string_view member) const {
    for (auto child = children.rbegin(); child != children.rend(); ++child) {
        if (child->key == member) return &*child;
    }
    return nullptr;
}

std::optional<Node> parse_tree(const SourceText& text, Collector& problems) {
    const std::size_t nul = text.view().find('\0');
    if (nul != std::string_view::npos) {  // the parser would take it for the end of the text
        problems.add(nul, "", "a NUL byte; expected UTF-8 text");
        return std::nullopt;
    }
    TreeBuilder builder(text, problems);
    if (!builder.parse()) return std::nullopt;
    return builder.take();
}

void report_duplicate_keys(const Node& root, Collector& problems) {
    report_duplicate_keys(root, "", problems);
}

}  // namespace sup::config
