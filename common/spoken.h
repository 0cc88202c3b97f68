// What releases tell each other about the state that travels with connections, in the packets of the channel.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sup {

// The versions of a protocol's state that a worker can resume from.
struct Reads {
    std::string protocol;
    std::vector<unsigned> versions;

    friend bool operator==(const Reads&, const Reads&) = default;
};

// Of a release. Nothing: some worker does not say.
using SpokenByAll = std::optional<std::vector<Reads>>;

// `[{"protocol":"chat","reads":[1,2]}]`, and back; nothing for anything else.
nlohmann::json to_json(const std::vector<Reads>& spoken);
SpokenByAll parse_spoken(const nlohmann::json& json);

// Whether a worker that says this can resume from that state. One that says nothing can resume from
// version 1, because there was no other before workers said so.
bool goes_on_from(const SpokenByAll& spoken, const std::string& protocol, unsigned version);

// What both can resume from.
std::vector<Reads> in_common(const std::vector<Reads>& one, const std::vector<Reads>& other);

}  // namespace sup
