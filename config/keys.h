// All keys of a configuration, in one table. The parser, "did you mean", the JSON schema and the tables of
// README.md and docs/configuration.md are made from it; scripts/generate writes the files.
//
// A default is what a field of Config holds to begin with (config.h).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"
#include "config/types.h"

namespace sup::config {

// The kinds of sockets that have a key of a listener.
struct SocketKinds {
    std::string_view words;
    // `written` is the address as the file has it.
    bool (*include)(const Listen& listen, std::string_view written);
    std::string_view pattern;  // of their addresses: the same rule for editors
};

// The key makes sense only if another one of the same object, a Choice, has this value.
struct Setting {
    std::string_view key;
    std::string_view value;
    std::string_view otherwise;  // what is said after `"max_surge" is for "strategy": "rolling"`
};

using OnlyFor = std::variant<std::monostate, const SocketKinds*, Setting>;

// One key. Texts are Markdown without links; a default and an example are JSON.
struct Key {
    std::string_view name{};
    Type type{};
    bool required = false;
    // In words, where the field of a Config that nobody has read does not say it.
    std::string_view default_words{};
    OnlyFor only_for{};
    std::array<std::string_view, 7> examples{};  // empty ones behind them
    std::string_view summary{};                  // one sentence: all that README says
    std::string_view details{};
};

struct Section {
    std::span<const Key> keys;
};

const Section& root_section();

// The keys of its object, or of each object in its array; null for all other keys.
const Section* section_of(const Key& key);

// Every key that is known, as the pointer to it without array indices: "/worker", "/listen/address". `env` is
// one key; its members are the user's.
std::vector<std::string> known_keys();

}  // namespace sup::config
