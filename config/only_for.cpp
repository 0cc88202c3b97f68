#include "config/only_for.h"

#include <algorithm>
#include <string>

#include "config/display.h"
#include "config/keys.h"

namespace sup::config {
namespace {

// An object of the document, and the part of the table that is about it.
struct Place {
    const Node& node;
    const Section& section;
    std::string pointer;
    const Config& config;
    Collector& problems;

    std::string pointer_to(std::string_view key) const { return pointer + pointer_token(key); }
};

void report(const Place& place, const Node& given, std::string_view only_for, const std::string& otherwise) {
    place.problems.add(given.key_begin, place.pointer_to(given.key),
                       in_quotes(given.key) + " is for " + std::string(only_for) + otherwise);
}

// The name that a choice has, written or by default.
std::string_view chosen(const Place& place, std::string_view name) {
    const auto key = std::ranges::find(place.section.keys, name, &Key::name);
    const auto& choice = std::get<types::Choice>(key->type);
    return choice.names[choice.field.get(place.config).value()];
}

void check(const Place& place, const Node& given, const Setting& setting) {
    if (chosen(place, setting.key) == setting.value || place.problems.about(place.pointer_to(setting.key)))
        return;
    // What nobody has chosen is told second.
    const bool written = place.node.find(setting.key) != nullptr;
    if (!written && place.problems.about(place.pointer_to(given.key))) return;
    report(place, given, in_quotes(setting.key) + ": " + in_quotes(setting.value),
           std::string(setting.otherwise));
}

void check_object(const Place& place) {
    if (place.problems.about(place.pointer)) return;
    for (const Key& key : place.section.keys) {
        const Node* given = place.node.find(key.name);
        if (given == nullptr) continue;
        if (const auto* setting = std::get_if<Setting>(&key.only_for)) check(place, *given, *setting);
        if (const auto* object = std::get_if<types::Object>(&key.type)) {
            check_object(
                {*given, *object->section, place.pointer_to(key.name), place.config, place.problems});
        }
    }
}

void check_listener(const Place& place, const Listen& listen) {
    const Node* address = place.node.find("address");
    if (address == nullptr || place.problems.about(place.pointer) ||
        place.problems.about(place.pointer_to("address")))
        return;
    for (const Key& key : place.section.keys) {
        const auto* kinds = std::get_if<const SocketKinds*>(&key.only_for);
        const Node* given = place.node.find(key.name);
        if (kinds == nullptr || given == nullptr || (*kinds)->include(listen, address->text)) continue;
        report(place, *given, (*kinds)->words, ", not for " + in_quotes(address->text));
    }
}

void check_listeners(const Node& root, const Config& config, Collector& problems) {
    const Node* listen = root.find("listen");
    if (listen == nullptr || problems.about("/listen")) return;
    const auto key = std::ranges::find(root_section().keys, "listen", &Key::name);
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const std::string pointer = "/listen/" + std::to_string(i);
        check_listener({listen->children[i], *section_of(*key), pointer, config, problems}, config.listen[i]);
    }
}

}  // namespace

void check_only_for(const Node& root, const Config& config, Collector& problems) {
    check_listeners(root, config, problems);
    check_object({root, root_section(), "", config, problems});
}

}  // namespace sup::config
