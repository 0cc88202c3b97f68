// What releases tell each other of the state that travels with connections: in the packets of the channel.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sup {

// The versions of a protocol's state that a worker can go on from.
struct Reads {
    std::string protocol;
    std::vector<unsigned> versions;

    friend bool operator==(const Reads&, const Reads&) = default;
};

// Of a release. Nothing: somebody does not speak of it.
using SpokenByAll = std::optional<std::vector<Reads>>;

// `[{"protocol":"chat","reads":[1,2]}]`, and back; nothing for anything else.
nlohmann::json to_json(const std::vector<Reads>& spoken);
SpokenByAll parse_spoken(const nlohmann::json& json);

// Whether who says this goes on from that state. Who says nothing goes on from version 1, as there was no
// other before this was spoken of.
bool goes_on_from(const SpokenByAll& spoken, const std::string& protocol, unsigned version);

// What both can go on from.
std::vector<Reads> in_common(const std::vector<Reads>& one, const std::vector<Reads>& other);

}  // namespace sup
