// A JSON text as a tree of values that know where they stand.
//
// nlohmann's own tree knows no positions and drops all but the last of several equal keys; this one keeps
// everything that was written, in its order.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/collector.h"
#include "config/source_text.h"

namespace sup::config {

enum class Kind { null, boolean, number, string, array, object };

struct Node {
    Kind kind = Kind::null;
    std::size_t begin = 0;       // offset of the value
    std::string text;            // a string's characters, otherwise a scalar as it is written: true, -1.5e3
    std::size_t key_begin = 0;   // of an object's member: offset of its key
    std::string key;             // of an object's member
    std::vector<Node> children;  // an array's elements or an object's members

    // An object's member; the last one where a key is given twice, nullptr where it is not given.
    const Node* find(std::string_view member) const;
};

// Deeper nesting is refused, so that walking a tree may recurse.
constexpr std::size_t deepest_nesting = 32;

// Nothing: there was a syntax error, and the collector has it. Comments and a byte order mark are allowed.
std::optional<Node> parse_tree(const SourceText& text, Collector& problems);

// Reports each key that an object, at any depth, has more than once.
void report_duplicate_keys(const Node& root, Collector& problems);

}  // namespace sup::config
