// Pictures in which every field has a value that it does not have by default, and every list an element.
#pragma once

#include <type_traits>

#include "master/status/fields.h"

namespace sup::status::test {

inline void fill(std::string& text) {
    text = "text";
}

inline void fill(bool& flag) {
    flag = !flag;
}

void fill(std::integral auto& number) {
    number = 7;
}

inline void fill(Duration& duration) {
    duration = Duration{1500};
}

inline void fill(Time& time) {
    time = Time{std::chrono::seconds{1'000'000'000}};
}

inline void fill(std::map<std::string, std::uint64_t>& counts) {
    counts["chat"] = 12;
}

template <typename T>
void fill(std::optional<T>& value);
template <typename T>
void fill(std::vector<T>& values);

template <typename T>
requires requires(T& it) {
    fields(it, [](const char*, auto&, bool = true) {});
}
void fill(T& it) {
    fields(it, [](const char*, auto& field, bool = true) { fill(field); });
}

template <typename T>
void fill(std::optional<T>& value) {
    fill(value.emplace());
}

template <typename T>
void fill(std::vector<T>& values) {
    fill(values.emplace_back());
}

template <typename T>
T filled() {
    T it;
    fill(it);
    return it;
}

}  // namespace sup::status::test
