// A list of a struct's fields: what is saved, restored and printed of it, and in which words. One that lacks
// a field does not compile.
#pragma once

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace sup::core {

template <typename Struct, typename T>
struct Field {
    const char* name;
    T Struct::*member;
    bool printed = true;
};

template <typename Struct, typename T>
constexpr Field<Struct, T> field(const char* name, T Struct::*member) {
    return {name, member};
}

// Too much for one line.
template <typename Struct, typename T>
constexpr Field<Struct, T> unprinted(const char* name, T Struct::*member) {
    return {name, member, false};
}

template <typename Struct, typename... Ts>
concept BeginsWith = requires {
    Struct{std::declval<Ts>()...};
};
template <typename Struct, typename... Ts>
concept GoesOnAfter = requires {
    Struct{std::declval<Ts>()..., {}};
};
// Whether these are the types of all fields of an aggregate, in the order of their declaration.
template <typename Struct, typename... Ts>
concept MadeOf = BeginsWith<Struct, Ts...> && !GoesOnAfter<Struct, Ts...>;

template <typename... Fields>
struct FieldList {
    const char* name;  // of the struct
    std::tuple<Fields...> fields;
};

template <typename Struct, typename... Ts>
constexpr FieldList<Field<Struct, Ts>...> list_of(const char* name, Field<Struct, Ts>... fields) {
    static_assert(MadeOf<Struct, Ts...>, "every field is listed, in the order of their declaration");
    return {name, {fields...}};
}

// A struct that has a list specializes this with it.
struct NoList {};
template <typename T>
inline constexpr NoList field_list{};

template <typename T>
concept Listed = !std::same_as<std::remove_cvref_t<decltype(field_list<T>)>, NoList>;

// One of several structs, each with a list. The name of that list stands under the field's key, and says
// which it is; its own fields stand beside it.
template <typename T>
inline constexpr bool is_one_of_listed = false;
template <Listed... Ts>
inline constexpr bool is_one_of_listed<std::variant<Ts...>> = true;
template <typename T>
concept OneOf = is_one_of_listed<T>;

template <OneOf T>
const char* name_of(const T& value) {
    return std::visit([](const auto& one) { return field_list<std::remove_cvref_t<decltype(one)>>.name; },
                      value);
}

template <typename T>
concept Enum = std::is_enum_v<T>;

template <Listed Struct, typename Visit>
constexpr void for_each_field(Visit visit) {
    std::apply([&](const auto&... each) { (visit(each), ...); }, field_list<Struct>.fields);
}

template <Listed Struct>
bool same_fields(const Struct& a, const Struct& b) {
    return std::apply([&](const auto&... each) { return (... && (a.*each.member == b.*each.member)); },
                      field_list<Struct>.fields);
}

}  // namespace sup::core
