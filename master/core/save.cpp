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

template <Listed T>
json saved(const T& record) {
    json object = json::object();
    for_each_field<T>([&](const auto& each) { object[each.name] = saved(record.*each.member); });
    return object;
}

}  // namespace

nlohmann::json Supervisor::save() const {
    json document = saved(*instance_);
    document["version"] = 1;
    return document;
}

}  // namespace sup::core
