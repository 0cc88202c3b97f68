#include "config/schema.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "common/wire.h"
#include "config/key_text.h"
#include "config/keys.h"
#include "config/signal_name.h"
#include "config/special_values.h"
#include "config/worker_values.h"

namespace sup::config {
namespace {

using Json = nlohmann::ordered_json;  // keys in the order in which a person reads them

// No NUL, as for the kernel a string ends at one.
constexpr std::string_view any_text = R"(^[^\u0000]*$)";
constexpr std::string_view some_text = R"(^[^\u0000]+$)";

Json string_like(std::string_view pattern) {
    return {{"type", "string"}, {"pattern", pattern}};
}

Json whole_number(Range range) {
    return {{"type", "integer"}, {"minimum", range.least}, {"maximum", range.most}};
}

Json one_of_names(std::span<const std::string_view> names) {
    Json list = Json::array();
    for (const std::string_view name : names) list.push_back(name);
    return {{"enum", std::move(list)}};
}

Json duration(Duration least) {
    return string_like(least > Duration{0} ? R"(^0*[1-9][0-9]*(ms|s|m|h|d)$)"
                                           : R"(^(0|[0-9]+(ms|s|m|h|d))$)");
}

Json one_of(std::initializer_list<Json> forms) {
    return {{"oneOf", Json(Json::array_t(forms))}};
}

std::string signal_pattern() {
    std::string names;
    for (const std::string_view name : drain_signal_names()) names += std::string(name) + '|';
    return "^(SIG)?(" + names + R"(RTMIN(\+([1-9]|[12][0-9]|30))?)$)";
}

Json object(const Section& section);

// What may stand at a key of each type.
struct Description {
    Json operator()(const types::Object& type) const { return object(*type.section); }
    Json operator()(const types::Listeners& type) const {
        return {{"type", "array"}, {"maxItems", most_listeners}, {"items", object(*type.section)}};
    }
    Json operator()(const types::Ignored& /*type*/) const { return string_like(any_text); }
    Json operator()(const types::Name& /*type*/) const {
        Json name = string_like("^[A-Za-z0-9._-]{1,64}$");
        name["not"] = {{"enum", {".", ".."}}};
        return name;
    }
    Json operator()(const types::Address& /*type*/) const {
        return string_like(R"(^((udp:)?(\*|[0-9.]+|\[[0-9A-Fa-f:.]+(%[^\u0000\]]+)?\]):(0|[1-9][0-9]{0,4}))"
                           R"(|unix(-dgram)?:(?!@$)[^\u0000]*[^\u0000/])$)");
    }
    Json operator()(const types::Path& /*type*/) const { return string_like(some_text); }
    Json operator()(const types::Mode& /*type*/) const { return string_like("^0?[0-7]{3}$"); }
    Json operator()(const types::Account& /*type*/) const { return string_like(R"(^[^\u0000:/\n]+$)"); }
    Json operator()(const types::Signal& /*type*/) const { return string_like(signal_pattern()); }
    Json operator()(const types::Flag& /*type*/) const { return {{"type", "boolean"}}; }
    Json operator()(const types::Whole& type) const { return whole_number(type.range); }
    Json operator()(const types::Count& /*type*/) const {
        return one_of({whole_number({1, most_workers}), {{"const", "auto"}}});
    }
    Json operator()(const types::Time& type) const { return duration(type.least); }
    Json operator()(const types::Patience& /*type*/) const {
        return one_of({{{"const", "forever"}}, duration(Duration{0})});
    }
    Json operator()(const types::Size& /*type*/) const { return string_like("^(0|[0-9]+(B|KiB|MiB|GiB))$"); }
    Json operator()(const types::Choice& type) const { return one_of_names(type.names); }
    Json operator()(const types::Command& /*type*/) const {
        return {{"type", "array"},
                {"minItems", 1},
                {"prefixItems", Json::array({string_like(some_text)})},
                {"items", string_like(any_text)}};
    }
    Json operator()(const types::Environment& /*type*/) const {
        return {{"type", "object"},
                {"propertyNames",
                 {{"pattern", R"(^[^=\u0000]+$)"}, {"not", one_of_names(wire::reserved_variables)}}},
                {"additionalProperties", string_like(any_text)}};
    }
    Json operator()(const types::Protocols& /*type*/) const {
        return {{"type", "array"}, {"items", one_of_names(protocol_names())}, {"uniqueItems", true}};
    }
    Json operator()(const types::Readiness& /*type*/) const {
        const Json newline{{"type", "object"},
                           {"required", Json::array({"fd"})},
                           {"additionalProperties", false},
                           {"properties", {{"fd", whole_number(ready_descriptors)}}}};
        return one_of({{{"enum", {"notify", "einhorn-ack"}}}, newline, duration(Duration{0})});
    }
};

std::string description(const Key& key) {
    std::string text(key.summary);
    if (!key.details.empty()) text += ' ' + std::string(key.details);
    if (const std::string words = only_for_sentence(key); !words.empty()) text += ' ' + words;
    if (!key.default_words.empty()) text += " Default: " + std::string(key.default_words) + '.';
    return text;
}

Json property(const Key& key) {
    Json result{{"description", description(key)}};
    result.update(std::visit(Description{}, key.type));
    if (const std::string value = default_json(key); !value.empty()) result["default"] = Json::parse(value);
    for (const std::string_view example : key.examples) {
        if (!example.empty()) result["examples"].push_back(Json::parse(example));
    }
    return result;
}

// True where a key that is only for something has its place.
Json condition(const OnlyFor& only_for, const Section& section) {
    if (const auto* kinds = std::get_if<const SocketKinds*>(&only_for))
        return {{"properties", {{"address", {{"pattern", (*kinds)->pattern}}}}}};
    const auto& setting = std::get<Setting>(only_for);
    Json result{{"properties", {{setting.key, {{"const", setting.value}}}}}};
    const auto key = std::ranges::find(section.keys, setting.key, &Key::name);
    const bool by_default = Json::parse(default_json(*key)) == setting.value;
    if (!by_default) result["required"] = Json::array({setting.key});
    return result;
}

// One rule for each condition, with all keys that have it.
Json rules(const Section& section) {
    Json list = Json::array();
    for (const Key& key : section.keys) {
        if (std::holds_alternative<std::monostate>(key.only_for)) continue;
        const Json where = condition(key.only_for, section);
        auto rule = std::ranges::find(list, where, [](const Json& known) { return known["if"]; });
        if (rule == list.end()) {
            list.push_back({{"if", where}, {"else", {{"properties", Json::object()}}}});
            rule = std::prev(list.end());
        }
        (*rule)["else"]["properties"][key.name] = false;
    }
    return list;
}

Json object(const Section& section) {
    Json required = Json::array();
    Json properties = Json::object();
    for (const Key& key : section.keys) {
        if (key.required) required.push_back(key.name);
        properties[std::string(key.name)] = property(key);
    }
    Json result{{"type", "object"}};
    if (!required.empty()) result["required"] = std::move(required);
    result["additionalProperties"] = false;
    result["properties"] = std::move(properties);
    if (Json list = rules(section); !list.empty()) result["allOf"] = std::move(list);
    return result;
}

}  // namespace

std::string json_schema() {
    Json schema{
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title", "Configuration of sup"},
        {"description",
         "One instance of sup: the sockets it holds open, the worker processes that serve on them, and "
         "how one generation of workers replaces another. Paths are relative to the folder of the file."},
        {"allowComments", true}};
    schema.update(object(root_section()));
    return schema.dump(2) + '\n';
}

}  // namespace sup::config
