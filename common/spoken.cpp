#include "common/spoken.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace sup {
namespace {

std::optional<Reads> parse_reads(const nlohmann::json& json) {
    if (!json.is_object()) return std::nullopt;
    const auto protocol = json.find("protocol");
    const auto versions = json.find("reads");
    if (protocol == json.end() || versions == json.end()) return std::nullopt;
    if (!protocol->is_string() || !versions->is_array()) return std::nullopt;
    Reads reads{protocol->get<std::string>(), {}};
    for (const auto& version : *versions) {
        if (!version.is_number_unsigned() || version > std::numeric_limits<unsigned>::max())
            return std::nullopt;
        reads.versions.push_back(version.get<unsigned>());
    }
    return reads;
}

const Reads* find(const std::vector<Reads>& all, const std::string& protocol) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Reads& one) { return one.protocol == protocol; });
    return found == all.end() ? nullptr : &*found;
}

bool contains(const std::vector<unsigned>& all, unsigned one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

nlohmann::json to_json(const std::vector<Reads>& spoken) {
    auto json = nlohmann::json::array();
    for (const Reads& one : spoken) json.push_back({{"protocol", one.protocol}, {"reads", one.versions}});
    return json;
}

SpokenByAll parse_spoken(const nlohmann::json& json) {
    if (!json.is_array()) return std::nullopt;
    std::vector<Reads> all;
    for (const auto& one : json) {
        auto reads = parse_reads(one);
        if (!reads) return std::nullopt;
        all.push_back(std::move(*reads));
    }
    return all;
}

bool goes_on_from(const SpokenByAll& spoken, const std::string& protocol, unsigned version) {
    if (!spoken) return version == 1;
    const Reads* reads = find(*spoken, protocol);
    return reads != nullptr && contains(reads->versions, version);
}

std::vector<Reads> in_common(const std::vector<Reads>& one, const std::vector<Reads>& other) {
    std::vector<Reads> common;
    for (const Reads& reads : one) {
        const Reads* same = find(other, reads.protocol);
        if (same == nullptr) continue;
        Reads both{reads.protocol, {}};
        for (const unsigned version : reads.versions) {
            if (contains(same->versions, version)) both.versions.push_back(version);
        }
        common.push_back(std::move(both));
    }
    return common;
}

}  // namespace sup
