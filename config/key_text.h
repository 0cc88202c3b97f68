// What is said about one key in the schema and in the tables.
#pragma once

#include <string>
#include <string_view>

#include "config/keys.h"

namespace sup::config {

// As Markdown writes what is written so.
inline std::string code(std::string_view text) {
    return '`' + std::string(text) + '`';
}

// What the key is when nobody writes it, as a configuration writes it (JSON). Empty: it must be written, or
// the default takes words.
std::string default_json(const Key& key);

// "Only for TCP."; empty: it is for all.
std::string only_for_sentence(const Key& key);

// What its value looks like, in a few words.
std::string type_words(const Key& key);

}  // namespace sup::config
