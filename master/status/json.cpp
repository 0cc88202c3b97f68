#include "master/status/json.h"

#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "master/status/fields.h"
#include "master/status/time.h"

namespace sup::status {
namespace {

using nlohmann::json;
using Counts = std::map<std::string, std::uint64_t>;

template <typename T>
concept Object = std::is_class_v<T> && requires(T& it) {
    fields(it, [](const char*, auto&, bool = true) {});
};

json write(const std::string& text) {
    return text;
}

json write(std::integral auto value) {
    return value;
}

json write(Duration duration) {
    return duration.count();
}

json write(Time time) {
    return format_time(time);
}

json write(const Counts& counts) {
    return counts;
}

template <typename T>
json write(const std::optional<T>& value);
template <typename T>
json write(const std::vector<T>& values);

json write(const Object auto& it) {
    json object = json::object();
    fields(it, [&](const char* key, const auto& field, bool told = true) {
        if (told) object[key] = write(field);
    });
    return object;
}

template <typename T>
json write(const std::optional<T>& value) {
    return value ? write(*value) : json(nullptr);
}

template <typename T>
json write(const std::vector<T>& values) {
    json array = json::array();
    for (const auto& value : values) array.push_back(write(value));
    return array;
}

std::string text_of(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Each says whether there was something to read.
bool read(const json& from, std::string& text) {
    if (from.is_string()) text = from.get<std::string>();
    return from.is_string();
}

bool read(const json& from, bool& flag) {
    if (from.is_boolean()) flag = from.get<bool>();
    return from.is_boolean();
}

template <std::integral T>
bool read(const json& from, T& number) {
    const auto take = [&number](auto value) {
        if (!std::in_range<T>(value)) return false;
        number = static_cast<T>(value);
        return true;
    };
    if (from.is_number_unsigned()) return take(from.get<std::uint64_t>());
    return from.is_number_integer() && take(from.get<std::int64_t>());
}

bool read(const json& from, Duration& duration) {
    Duration::rep milliseconds = 0;
    if (!read(from, milliseconds)) return false;
    duration = Duration{milliseconds};
    return true;
}

bool read(const json& from, Time& time) {
    const auto moment = from.is_string() ? parse_time(from.get<std::string>()) : std::nullopt;
    time = moment.value_or(time);
    return moment.has_value();
}

bool read(const json& from, Counts& counts) {
    if (!from.is_object()) return false;
    for (const auto& [key, value] : from.items()) {
        if (std::uint64_t count = 0; read(value, count)) counts.emplace(key, count);
    }
    return true;
}

template <typename T>
bool read(const json& from, std::optional<T>& value);
template <typename T>
bool read(const json& from, std::vector<T>& values);

bool read(const json& from, Object auto& it) {
    if (!from.is_object()) return false;
    fields(it, [&](const char* key, auto& field, bool = true) {
        if (const auto found = from.find(key); found != from.end()) read(*found, field);
    });
    return true;
}

template <typename T>
bool read(const json& from, std::optional<T>& value) {
    if (T read_value{}; read(from, read_value)) value = std::move(read_value);
    return value.has_value();
}

template <typename T>
bool read(const json& from, std::vector<T>& values) {
    if (!from.is_array()) return false;
    for (const json& element : from) {
        if (T value{}; read(element, value)) values.push_back(std::move(value));
    }
    return true;
}

template <typename T>
T read_all(const json& from) {
    T value;
    read(from, value);
    return value;
}

template <typename... Types>
std::optional<Event> read_one_of(const json& from, const std::string& type,
                                 std::type_identity<std::variant<Types...>>) {
    std::optional<Event> event;
    const auto take = [&](auto candidate) {
        if (type != type_of(candidate)) return;
        read(from, candidate);
        event = std::move(candidate);
    };
    (take(Types{}), ...);
    return event;
}

}  // namespace

std::string to_json(const Picture& picture) {
    return text_of(write(picture));
}
std::string to_json(const Reload& reload) {
    return text_of(write(reload));
}
std::string to_json(const Started& started) {
    return text_of(write(started));
}
std::string to_json(const FailedStart& failed) {
    return text_of(write(failed));
}
std::string to_json(const Stopped& stopped) {
    return text_of(write(stopped));
}
std::string to_json(const std::vector<Listed>& list) {
    return text_of(write(list));
}

std::string to_json(const Event& event) {
    return std::visit(
        [](const auto& one) {
            json object = write(one);
            object["type"] = type_of(one);
            return text_of(object);
        },
        event);
}

Picture read_picture(const json& from) {
    return read_all<Picture>(from);
}
Reload read_reload(const json& from) {
    return read_all<Reload>(from);
}
Started read_started(const json& from) {
    return read_all<Started>(from);
}
FailedStart read_failed_start(const json& from) {
    return read_all<FailedStart>(from);
}
Stopped read_stopped(const json& from) {
    return read_all<Stopped>(from);
}

std::optional<Event> read_event(const json& from) {
    std::string type;
    if (!from.is_object() || !from.contains("type") || !read(from["type"], type)) return std::nullopt;
    return read_one_of(from, type, std::type_identity<Event>{});
}

}  // namespace sup::status
