// A value of the document while it is being read, and how each plain kind of value is read.
//
// A read_… function returns what a good value says. Of a bad one it reports the problem and returns nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/duration.h"
#include "config/collector.h"
#include "config/json_tree.h"

namespace sup::config {

struct Value {
    const Node& node;
    std::string pointer;
    const std::string& folder;  // where relative paths start
    Collector& problems;

    Value member(const Node& child) const;   // of an object
    Value element(std::size_t index) const;  // of an array

    void refuse(std::string message) const;
    // "expected WHAT, found …".
    void expected(const std::string& what) const;
};

// What was written, for a message: "abc", 3, an array.
std::string found(const Node& node);

std::optional<std::string> read_string(const Value& value, const std::string& what);
std::optional<bool> read_boolean(const Value& value);
std::optional<std::string> read_path(const Value& value);  // absolute
std::optional<Duration> read_duration(const Value& value, Duration least);

// In bytes.
struct SizeRange {
    std::uint64_t least;
    std::uint64_t most;
};
std::optional<std::uint64_t> read_size(const Value& value, SizeRange range);

struct Range {
    std::int64_t least;
    std::int64_t most;
};
// `or_else` names what else the key allows: ` or "auto"`.
std::optional<std::int64_t> read_integer(const Value& value, Range range, const std::string& or_else = "");

// The index of the name that was written.
std::optional<std::size_t> read_choice(const Value& value, std::span<const std::string_view> names);

}  // namespace sup::config
