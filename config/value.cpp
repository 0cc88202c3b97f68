#include "config/value.h"

#include <charconv>

#include "common/size.h"
#include "config/display.h"
#include "config/nearest.h"
#include "config/path.h"

namespace sup::config {
namespace {

std::string list(std::span<const std::string_view> names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
        text += in_quotes(names[i]);
    }
    return text;
}

std::optional<std::int64_t> whole_number(const std::string& text) {
    std::int64_t number = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

Value Value::member(const Node& child) const {
    return {child, pointer + pointer_token(child.key), folder, problems};
}

Value Value::element(std::size_t index) const {
    return {node.children[index], pointer + pointer_token(std::to_string(index)), folder, problems};
}

void Value::refuse(std::string message) const {
    problems.add(node.begin, pointer, std::move(message));
}

void Value::expected(const std::string& what) const {
    refuse("expected " + what + ", found " + found(node));
}

std::string found(const Node& node) {
    switch (node.kind) {
        case Kind::null:
        case Kind::boolean: return node.text;
        case Kind::number: return excerpt(node.text);
        case Kind::string: return in_quotes(node.text);
        case Kind::array: return node.children.empty() ? "an empty array" : "an array";
        case Kind::object: return node.children.empty() ? "an empty object" : "an object";
    }
    return "";
}

std::optional<std::string> read_string(const Value& value, const std::string& what) {
    if (value.node.kind != Kind::string) {
        value.expected(what);
        return std::nullopt;
    }
    if (value.node.text.find('\0') != std::string::npos) {  // it would end there for the kernel
        value.refuse("a NUL character is not allowed here");
        return std::nullopt;
    }
    return value.node.text;
}

std::optional<bool> read_boolean(const Value& value) {
    if (value.node.kind == Kind::boolean) return value.node.text == "true";
    value.expected("true or false");
    return std::nullopt;
}

std::optional<std::string> read_path(const Value& value) {
    const auto path = read_string(value, "a path");
    if (!path) return std::nullopt;
    if (!path->empty()) return absolute_path(value.folder, *path);
    value.expected("a path");
    return std::nullopt;
}

std::optional<Duration> read_duration(const Value& value, Duration least) {
    static const std::string what = R"(a duration such as "250ms", "30s" or "5m")";
    if (value.node.kind == Kind::number) {
        value.refuse("expected " + what + ", found the number " + found(value.node) + " without a unit");
        return std::nullopt;
    }
    if (value.node.kind != Kind::string) {
        value.expected(what);
        return std::nullopt;
    }
    const Result<Duration> duration = parse_duration(value.node.text);
    if (!duration) {
        value.refuse(duration.error().message + ", found " + found(value.node));
        return std::nullopt;
    }
    if (*duration >= least) return *duration;
    value.expected("a duration of at least " + format_duration(least));
    return std::nullopt;
}

std::optional<std::uint64_t> read_size(const Value& value, SizeRange range) {
    static const std::string what = R"(a size such as "64KiB" or "10MiB")";
    if (value.node.kind != Kind::string) {
        value.expected(what);
        return std::nullopt;
    }
    const Result<std::uint64_t> bytes = parse_size(value.node.text);
    if (!bytes) {
        value.expected(what);
    } else if (*bytes < range.least || *bytes > range.most) {
        value.expected("a size from " + describe_size(range.least) + " to " + describe_size(range.most));
    } else {
        return *bytes;
    }
    return std::nullopt;
}

std::optional<std::int64_t> read_integer(const Value& value, Range range, const std::string& or_else) {
    std::optional<std::int64_t> number;
    if (value.node.kind == Kind::number) number = whole_number(value.node.text);
    if (!number || *number < range.least || *number > range.most) {
        value.expected("a whole number from " + std::to_string(range.least) + " to " +
                       std::to_string(range.most) + or_else);
        return std::nullopt;
    }
    return number;
}

std::optional<std::size_t> read_choice(const Value& value, std::span<const std::string_view> names) {
    if (value.node.kind == Kind::string) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names[i] == value.node.text) return i;
        }
        if (const auto meant = nearest(value.node.text, names)) {
            value.refuse("expected " + list(names) + ", found " + found(value.node) + "; did you mean " +
                         in_quotes(*meant) + "?");
            return std::nullopt;
        }
    }
    value.expected(list(names));
    return std::nullopt;
}

}  // namespace sup::config
