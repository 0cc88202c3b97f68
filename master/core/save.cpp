// The whole state as JSON: each struct an object of its listed fields. Numbers for ids, milliseconds for
// times, names for states, null for what is not set. restore.cpp reads what this writes; a change of the
// format takes a new version.
#include <concepts>
#include <nlohmann/json.hpp>

#include "master/core/state_fields.h"
#include "master/core/supervisor.h"

namespace sup::core {
namespace {

using nlohmann::json;

template <std::integral T>
json saved(T value) {
    return value;
}
json saved(Duration duration) {
    return duration.count();
}
json saved(TimePoint time) {
    return time.time_since_epoch().count();
}
json saved(WaitFor wait) {
    return wait == WaitFor::drained;
}
template <Enum E>
json saved(E value) {
    if constexpr (requires { to_string(value); })
        return to_string(value);
    else
        return static_cast<std::underlying_type_t<E>>(value);
}

template <Listed T>
json saved(const T& record);

template <typename T>
json saved(const std::optional<T>& value) {
    return value ? saved(*value) : json(nullptr);
}

template <typename T>
json saved(const std::vector<T>& values) {
    json array = json::array();
    for (const T& value : values) array.push_back(saved(value));
    return array;
}

// Each knows its own number.
template <typename Id, Listed T>
json saved(const std::map<Id, T>& members) {
    json array = json::array();
    for (const auto& [id, member] : members) array.push_back(saved(member));
    return array;
}

template <OneOf T>
void add(json& object, const char* name, const T& value);

template <typename T>
void add(json& object, const char* name, const T& value) {
    object[name] = saved(value);
}

template <Listed T>
void add_fields(json& object, const T& record) {
    for_each_field<T>([&](const auto& each) { add(object, each.name, record.*each.member); });
}

template <OneOf T>
void add(json& object, const char* name, const T& value) {
    object[name] = name_of(value);
    std::visit([&](const auto& one) { add_fields(object, one); }, value);
}

template <Listed T>
json saved(const T& record) {
    json object = json::object();
    add_fields(object, record);
    return object;
}

}  // namespace

nlohmann::json Supervisor::save() const {
    json document = saved(*instance_);
    document["version"] = 1;
    return document;
}

}  // namespace sup::core
