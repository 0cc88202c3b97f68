// What may stand at a key. A type is plain data: reader.cpp reads its values, schema.cpp describes them for
// editors and key_text.cpp for people.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/duration.h"
#include "config/field.h"
#include "config/value.h"
#include "config/worker_values.h"

namespace sup::config {

struct Section;  // keys.h

namespace types {

// An object with keys of its own, and an array of such objects, one for each listener.
struct Object {
    const Section* section;
};
struct Listeners {
    const Section* section;
};

// A string that sup does not look at.
struct Ignored {
    std::string_view what;
};
struct Name {
    Field<std::string> field;
};
struct Address {
    Field<config::Address> field;
};
struct Path {
    Field<std::string> field;
};
// The permissions of a file.
struct Mode {
    Field<unsigned> field;
};
// A user or a group, as `what` says.
struct Account {
    std::string_view what;
    Field<std::string> field;
};
struct Signal {
    Field<int> field;
};

struct Flag {
    Field<bool> field;
};
struct Whole {
    Range range;
    Field<std::int64_t> field;
};
// A number, or "auto".
struct Count {
    Field<std::uint32_t> field;
};
struct Time {
    Duration least;
    Field<Duration> field;
};
// A duration, or "forever".
struct Patience {
    Field<std::optional<Duration>> field;
};
struct Size {
    SizeRange range;
    Field<std::uint64_t> field;
};
// One of the names, which have the order of the field's enum.
struct Choice {
    std::span<const std::string_view> names;
    Field<std::size_t> field;
};

struct Command {
    Field<CommandLine> field;
};
struct Environment {
    Field<std::map<std::string, Template>> field;
};
struct Protocols {
    Field<std::vector<Protocol>> field;
};
struct Readiness {
    Field<Ready> field;
};

}  // namespace types

using Type = std::variant<types::Object, types::Listeners, types::Ignored, types::Name, types::Address,
                          types::Path, types::Mode, types::Account, types::Signal, types::Flag, types::Whole,
                          types::Count, types::Time, types::Patience, types::Size, types::Choice,
                          types::Command, types::Environment, types::Protocols, types::Readiness>;

}  // namespace sup::config
