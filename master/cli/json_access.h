// Reading an answer of the master without trusting it: what is missing or of another type comes out empty.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sup::cli {

// Null when there is none.
inline const nlohmann::json& member(const nlohmann::json& object, const char* key) {
    static const nlohmann::json null;
    if (!object.is_object()) return null;
    const auto found = object.find(key);
    return found == object.end() ? null : *found;
}

inline std::string text_of(const nlohmann::json& object, const char* key) {
    const auto& value = member(object, key);
    return value.is_string() ? value.get<std::string>() : std::string();
}

inline std::optional<std::int64_t> number_of(const nlohmann::json& object, const char* key) {
    const auto& value = member(object, key);
    return value.is_number() ? std::optional(value.get<std::int64_t>()) : std::nullopt;
}

inline bool flag_of(const nlohmann::json& object, const char* key) {
    const auto& value = member(object, key);
    return value.is_boolean() && value.get<bool>();
}

}  // namespace sup::cli
