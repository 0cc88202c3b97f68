#include "config/key_tables.h"

#include <string>
#include <string_view>

#include "config/key_text.h"
#include "config/keys.h"

namespace sup::config {
namespace {

// A row ends at its line, and a cell at a bar.
std::string cell(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '|') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

void append_sentence(std::string& text, std::string_view sentence) {
    if (sentence.empty()) return;
    if (!text.empty()) text += ' ';
    text += sentence;
}

std::string default_words(const Key& key) {
    if (key.required) return "required";
    if (!key.default_words.empty()) return std::string(key.default_words);
    const std::string json = default_json(key);
    return json.empty() ? "" : code(json);
}

// "listen[].backlog"
std::string path_of(const std::string& section, const Key& key) {
    return section.empty() ? std::string(key.name) : section + '.' + std::string(key.name);
}
std::string path_inside(const std::string& section, const Key& key) {
    return path_of(section, key) + (std::holds_alternative<types::Listeners>(key.type) ? "[]" : "");
}

std::string text_of(const Key& key) {
    std::string text(key.summary);
    append_sentence(text, key.details);
    return text;
}

std::string examples_of(const Key& key) {
    std::string list;
    for (const std::string_view example : key.examples) {
        if (!example.empty()) list += (list.empty() ? "" : ", ") + code(example);
    }
    return list;
}

constexpr std::string_view head = "| key | type | default | meaning |\n| --- | --- | --- | --- |\n";

std::string row(std::string_view name, const Key& key, const std::string& meaning) {
    return "| " + code(name) + " | " + cell(type_words(key)) + " | " + cell(default_words(key)) + " | " +
           cell(meaning) + " |\n";
}

std::string whole_row(const Key& key) {
    std::string meaning = text_of(key);
    append_sentence(meaning, only_for_sentence(key));
    const std::string examples = examples_of(key);
    if (!examples.empty()) meaning += " For example " + examples + '.';
    return row(key.name, key, meaning);
}

void append_section(const Section& section, const std::string& name, const std::string& about,
                    std::string& out) {
    out += "\n### " + (name.empty() ? "The file" : code(name)) + "\n\n" + about + "\n\n";
    out += head;
    for (const Key& key : section.keys) out += whole_row(key);
    for (const Key& key : section.keys) {
        if (const Section* inner = section_of(key))
            append_section(*inner, path_inside(name, key), text_of(key), out);
    }
}

void append_short_rows(const Section& section, const std::string& name, std::string& out) {
    for (const Key& key : section.keys) {
        if (const Section* inner = section_of(key)) {
            append_short_rows(*inner, path_inside(name, key), out);
            continue;
        }
        std::string meaning(key.summary);
        append_sentence(meaning, only_for_sentence(key));
        out += row(path_of(name, key), key, meaning);
    }
}

}  // namespace

std::string whole_key_tables() {
    std::string out;
    append_section(
        root_section(), "",
        "One instance: the sockets that it holds open, the worker processes that serve on them, and "
        "how one generation of workers replaces another.",
        out);
    return out.substr(1);  // no empty line at the top
}

std::string short_key_table() {
    std::string out(head);
    append_short_rows(root_section(), "", out);
    return out;
}

}  // namespace sup::config
