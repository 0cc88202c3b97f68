#include "config/key_text.h"

#include <array>
#include <cstdio>

#include "common/signal_name.h"
#include "common/size.h"
#include "config/special_values.h"
#include "config/worker_values.h"

namespace sup::config {
namespace {

// None of these texts has a character that JSON would escape.
std::string json_string(std::string_view text) {
    return '"' + std::string(text) + '"';
}

std::string octal(unsigned mode) {
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "%04o", mode);
    return digits.data();
}

// How a configuration writes what the fields of `config` hold.
struct Writer {
    const Config& config;

    std::string operator()(const types::Object& /*type*/) const { return ""; }
    std::string operator()(const types::Listeners& /*type*/) const { return ""; }
    std::string operator()(const types::Ignored& /*type*/) const { return ""; }
    std::string operator()(const types::Address& /*type*/) const { return ""; }
    std::string operator()(const types::Command& /*type*/) const { return ""; }
    std::string operator()(const types::Name& type) const { return text(type.field); }
    std::string operator()(const types::Path& type) const { return text(type.field); }
    std::string operator()(const types::Account& type) const { return text(type.field); }
    std::string operator()(const types::Mode& type) const {
        return json_string(octal(type.field.get(config).value()));
    }
    std::string operator()(const types::Signal& type) const {
        return json_string(signal_name(type.field.get(config).value()));
    }
    std::string operator()(const types::Flag& type) const {
        const auto on = type.field.get(config);
        return !on ? "" : *on ? "true" : "false";
    }
    std::string operator()(const types::Whole& type) const {
        const auto number = type.field.get(config);
        return number ? std::to_string(*number) : "";
    }
    std::string operator()(const types::Count& type) const {
        return std::to_string(type.field.get(config).value());
    }
    std::string operator()(const types::Time& type) const {
        const auto duration = type.field.get(config);
        return duration ? json_string(format_duration(*duration)) : "";
    }
    std::string operator()(const types::Patience& type) const {
        const auto duration = type.field.get(config).value();
        return json_string(duration ? format_duration(*duration) : "forever");
    }
    std::string operator()(const types::Size& type) const {
        const auto bytes = type.field.get(config);
        return bytes ? json_string(format_size(*bytes)) : "";
    }
    std::string operator()(const types::Choice& type) const {
        return json_string(type.names[type.field.get(config).value()]);
    }
    std::string operator()(const types::Environment& type) const {
        return type.field.get(config)->empty() ? "{}" : "";
    }
    std::string operator()(const types::Protocols& type) const {
        const auto protocols = type.field.get(config).value();
        std::string list;
        for (const Protocol protocol : protocols)
            list += (list.empty() ? "" : ", ") +
                    json_string(protocol_names()[static_cast<std::size_t>(protocol)]);
        return '[' + list + ']';
    }
    std::string operator()(const types::Readiness& type) const {
        return std::holds_alternative<ReadyByNotify>(type.field.get(config).value()) ? R"("notify")" : "";
    }

    std::string text(const Field<std::string>& field) const {
        const auto value = field.get(config);
        return value && !value->empty() ? json_string(*value) : "";
    }
};

// `"a"`, `"b"` or `"c"`, with what stands before the last one.
std::string list_of(std::span<const std::string_view> names, std::string_view last) {
    std::string words;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) words += i + 1 == names.size() ? last : ", ";
        words += code(json_string(names[i]));
    }
    return words;
}

std::string from_to(std::int64_t least, std::int64_t most) {
    return "number from " + std::to_string(least) + " to " + std::to_string(most);
}

struct TypeWords {
    std::string operator()(const types::Object& /*type*/) const { return "object"; }
    std::string operator()(const types::Listeners& /*type*/) const { return "array of objects"; }
    std::string operator()(const types::Ignored& /*type*/) const { return "string"; }
    std::string operator()(const types::Name& /*type*/) const { return "name"; }
    std::string operator()(const types::Address& /*type*/) const { return "address"; }
    std::string operator()(const types::Path& /*type*/) const { return "path"; }
    std::string operator()(const types::Mode& /*type*/) const { return "octal digits"; }
    std::string operator()(const types::Account& /*type*/) const { return "name or number, as a string"; }
    std::string operator()(const types::Signal& /*type*/) const { return "name of a signal"; }
    std::string operator()(const types::Flag& /*type*/) const { return "`true` or `false`"; }
    std::string operator()(const types::Whole& type) const {
        return from_to(type.range.least, type.range.most);
    }
    std::string operator()(const types::Count& /*type*/) const {
        return from_to(1, most_workers) + R"(, or `"auto"`)";
    }
    std::string operator()(const types::Time& type) const {
        return type.least > Duration{0} ? "duration of at least " + format_duration(type.least) : "duration";
    }
    std::string operator()(const types::Patience& /*type*/) const { return R"(duration, or `"forever"`)"; }
    std::string operator()(const types::Size& type) const {
        return "size from " + format_size(type.range.least) + " to " + format_size(type.range.most);
    }
    std::string operator()(const types::Choice& type) const { return list_of(type.names, " or "); }
    std::string operator()(const types::Command& /*type*/) const { return "array of strings"; }
    std::string operator()(const types::Environment& /*type*/) const { return "object of strings"; }
    std::string operator()(const types::Protocols& /*type*/) const {
        return "array of " + list_of(protocol_names(), ", ");
    }
    std::string operator()(const types::Readiness& /*type*/) const {
        return R"(`"notify"`, `"einhorn-ack"`, `{ "fd": N }` or a duration)";
    }
};

// Every field as it is when nobody has written anything; the keys of a listener need one.
Config unwritten() {
    Config config;
    config.listen.emplace_back();
    return config;
}

}  // namespace

std::string default_json(const Key& key) {
    if (key.required || !key.default_words.empty()) return "";
    return std::visit(Writer{unwritten()}, key.type);
}

std::string only_for_sentence(const Key& key) {
    if (const auto* kinds = std::get_if<const SocketKinds*>(&key.only_for))
        return "Only for " + std::string((*kinds)->words) + ".";
    if (const auto* setting = std::get_if<Setting>(&key.only_for))
        return "Only with " + code(json_string(setting->key) + ": " + json_string(setting->value)) + ".";
    return "";
}

std::string type_words(const Key& key) {
    return std::visit(TypeWords{}, key.type);
}

}  // namespace sup::config
