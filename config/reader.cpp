#include "config/reader.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/display.h"
#include "config/keys.h"
#include "config/nearest.h"
#include "config/special_values.h"
#include "config/worker_values.h"

namespace sup::config {
namespace {

// The one key of this name that is known elsewhere: people remember words better than places.
std::string place_elsewhere(const std::string& name) {
    std::string place;
    for (const std::string& known : known_keys()) {
        if (known.compare(known.rfind('/') + 1, known.npos, name) != 0) continue;
        if (!place.empty()) return "";
        place = known;
    }
    return place;
}

std::string words_for_unknown_key(const std::string& name, const Section& section) {
    std::vector<std::string_view> names;
    for (const Key& key : section.keys) names.push_back(key.name);
    if (const auto meant = nearest(name, names))
        return "unknown key; did you mean " + in_quotes(*meant) + "?";
    const std::string place = place_elsewhere(name);
    if (!place.empty()) return "unknown key; did you mean " + place + "?";
    return "unknown key; known here: " + quoted_list(names);
}

void report_unknown_key(const Value& member, const Section& section) {
    if (member.problems.full()) return member.problems.omit();
    member.problems.add(member.node.key_begin, member.pointer,
                        words_for_unknown_key(member.node.key, section));
}

void report_missing_keys(const Value& object, const Section& section) {
    for (const Key& key : section.keys) {
        if (!key.required || object.node.find(key.name) != nullptr) continue;
        const bool may_be_empty = std::holds_alternative<types::Listeners>(key.type);
        object.problems.add(object.node.begin, object.pointer + pointer_token(key.name),
                            "missing; add for example " + in_quotes(key.name) + ": " +
                                std::string(key.examples.front()) + (may_be_empty ? ", or [] for none" : ""));
    }
}

void read_key(const Key& key, const Value& value, Config& config);

void read_object(const Value& value, const Section& section, Config& config) {
    if (value.node.kind != Kind::object) return value.expected("an object");
    for (const Node& child : value.node.children) {
        const Value member = value.member(child);
        const auto key = std::ranges::find(section.keys, child.key, &Key::name);
        if (key == section.keys.end()) {
            report_unknown_key(member, section);
        } else {
            read_key(*key, member, config);
        }
    }
    report_missing_keys(value, section);
}

// "[::]" that is not for IPv6 alone is what "*" means.
void take_ipv4_too(Listen& listen) {
    auto* inet = std::get_if<InetAddress>(&listen.address.place);
    if (inet != nullptr && inet->host == "::" && !listen.ipv6only) inet->host = "*";
}

void read_listeners(const Value& value, const Section& section, Config& config) {
    if (value.node.kind != Kind::array) return value.expected("an array of listeners");
    const std::size_t count = value.node.children.size();
    if (count > most_listeners) {
        return value.refuse("expected at most " + std::to_string(most_listeners) + " listeners, found " +
                            std::to_string(count));
    }
    config.listen.clear();
    for (std::size_t i = 0; i < count; ++i) {
        Listen& listen = config.listen.emplace_back();
        listen.name = "listen" + std::to_string(i);
        read_object(value.element(i), section, config);
        take_ipv4_too(listen);
    }
}

// How a value of each type gets into the configuration.
struct Reader {
    const Value& value;
    Config& config;

    template <typename T>
    void put(const Field<T>& field, const std::optional<T>& read) const {
        if (read) field.set(config, *read);
    }

    void operator()(const types::Object& type) const { read_object(value, *type.section, config); }
    void operator()(const types::Listeners& type) const { read_listeners(value, *type.section, config); }
    void operator()(const types::Ignored& type) const { read_string(value, std::string(type.what)); }
    void operator()(const types::Name& type) const { put(type.field, read_name(value)); }
    void operator()(const types::Address& type) const { put(type.field, read_address(value)); }
    void operator()(const types::Path& type) const { put(type.field, read_path(value)); }
    void operator()(const types::Mode& type) const { put(type.field, read_mode(value)); }
    void operator()(const types::Account& type) const {
        put(type.field, read_account(value, std::string(type.what)));
    }
    void operator()(const types::Signal& type) const { put(type.field, read_signal(value)); }
    void operator()(const types::Flag& type) const { put(type.field, read_boolean(value)); }
    void operator()(const types::Whole& type) const { put(type.field, read_integer(value, type.range)); }
    void operator()(const types::Count& type) const { put(type.field, read_count(value)); }
    void operator()(const types::Time& type) const { put(type.field, read_duration(value, type.least)); }
    void operator()(const types::Patience& type) const { put(type.field, read_patience(value)); }
    void operator()(const types::Size& type) const { put(type.field, read_size(value, type.range)); }
    void operator()(const types::Choice& type) const { put(type.field, read_choice(value, type.names)); }
    void operator()(const types::Command& type) const { put(type.field, read_command(value)); }
    void operator()(const types::Environment& type) const { put(type.field, read_env(value)); }
    void operator()(const types::Protocols& type) const { put(type.field, read_protocols(value)); }
    void operator()(const types::Readiness& type) const { put(type.field, read_ready(value)); }
};

void read_key(const Key& key, const Value& value, Config& config) {
    std::visit(Reader{value, config}, key.type);
}

}  // namespace

void read_document(const Value& root, Config& config) {
    read_object(root, root_section(), config);
}

}  // namespace sup::config
