// Where in a Config the value of a key belongs. Keys of one type have fields of several (`int`,
// `std::optional<std::uint32_t>`, …); a Field makes them all look like one.
#pragma once

#include <optional>
#include <type_traits>
#include <vector>

#include "config/config.h"

namespace sup::config {

template <typename T>
struct Field {
    void (*set)(Config& config, const T& value);
    std::optional<T> (*get)(const Config& config);  // nothing: it is left open
};

namespace detail {

template <typename T>
T& object(T& whole) {
    return whole;
}
// The listener that is being read is the last one.
inline Listen& object(std::vector<Listen>& listen) {
    return listen.back();
}
inline const Listen& object(const std::vector<Listen>& listen) {
    return listen.back();
}

template <auto First, auto... Rest>
auto& member(auto& whole) {
    auto& part = object(whole).*First;
    if constexpr (sizeof...(Rest) == 0) {
        return part;
    } else {
        return member<Rest...>(part);
    }
}

template <typename T>
constexpr bool is_optional = false;
template <typename T>
constexpr bool is_optional<std::optional<T>> = true;

template <typename T>
void assign(const T& value, T& out) {
    out = value;
}
template <typename T, typename U>
void assign(const T& value, U& out) {
    if constexpr (is_optional<U>) {
        out = static_cast<typename U::value_type>(value);
    } else {
        out = static_cast<U>(value);
    }
}

template <typename T, typename U>
std::optional<T> value_of(const U& part) {
    if constexpr (std::is_same_v<T, U>) {
        return part;
    } else if constexpr (is_optional<U>) {
        return part ? std::optional<T>(static_cast<T>(*part)) : std::nullopt;
    } else {
        return static_cast<T>(part);
    }
}

}  // namespace detail

// at<&Config::drain, &Drain::timeout> is a Field of whatever the type of its key wants.
template <auto... Path>
struct At {
    template <typename T>
    constexpr operator Field<T>() const {
        return {
            [](Config& config, const T& value) { detail::assign(value, detail::member<Path...>(config)); },
            [](const Config& config) { return detail::value_of<T>(detail::member<Path...>(config)); }};
    }
};
template <auto... Path>
inline constexpr At<Path...> at{};

}  // namespace sup::config
