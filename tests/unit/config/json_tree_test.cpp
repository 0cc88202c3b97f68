#include "config/json_tree.h"

#include <rapidcheck.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.h"

using namespace sup::config;

namespace {

std::optional<Node> tree_of(const std::string& json) {
    const SourceText text(json);
    Collector problems(text, "test.json");
    return parse_tree(text, problems);
}

// The same values, for comparison with what nlohmann's own tree says.
nlohmann::json plain(const Node& node) {
    switch (node.kind) {
        case Kind::null: return nullptr;
        case Kind::boolean: return node.text == "true";
        case Kind::number: return nlohmann::json::parse(node.text);
        case Kind::string: return node.text;
        case Kind::array: {
            nlohmann::json array = nlohmann::json::array();
            for (const Node& child : node.children) array.push_back(plain(child));
            return array;
        }
        case Kind::object: {
            nlohmann::json object = nlohmann::json::object();
            for (const Node& child : node.children) object[child.key] = plain(child);
            return object;
        }
    }
    return {};
}

rc::Gen<std::string> text_generator() {
    return rc::gen::container<std::string>(
        rc::gen::element('a', '"', '\\', '/', ',', ':', '{', ']', ' ', '\t', '\n', '*', '1'));
}

nlohmann::json scalar(const std::string& text, int number) {
    switch (number % 5) {
        case 0: return nullptr;
        case 1: return number % 2 == 0;
        case 2: return number;
        case 3: return number * 0.37;
        default: return text;
    }
}

// Any JSON value of a few levels.
nlohmann::json generate(int depth) {
    const int kind = *rc::gen::inRange(0, depth > 0 ? 4 : 2);
    if (kind < 2) return scalar(*text_generator(), *rc::gen::inRange(-1000, 1000) + 1000);
    const int size = *rc::gen::inRange(0, 4);
    nlohmann::json value = kind == 2 ? nlohmann::json::array() : nlohmann::json::object();
    for (int i = 0; i < size; ++i) {
        if (kind == 2) {
            value.push_back(generate(depth - 1));
        } else {
            value[*text_generator()] = generate(depth - 1);
        }
    }
    return value;
}

std::string blank() {
    return *rc::gen::elementOf(
        std::vector<std::string>{"", "", " ", "\n", "\t", "\r\n", "/* , \" */", "// : {\n", "//\r"});
}

// The value as text with blanks and comments wherever they are allowed.
std::string spell(const nlohmann::json& value) {
    std::string text = blank();
    if (value.is_structured()) {
        text += value.is_object() ? '{' : '[';
        bool first = true;
        for (const auto& [key, item] : value.items()) {
            if (!first) text += ',';
            first = false;
            if (value.is_object()) text += blank() + nlohmann::json(key).dump() + blank() + ':';
            text += spell(item);
        }
        text += blank() + (value.is_object() ? '}' : ']');
    } else {
        text += value.dump();
    }
    return text + blank();
}

// The text of each value and key must begin where the tree says.
void check_positions(const std::string& text, const Node& node) {
    const std::string_view here = std::string_view(text).substr(node.begin);
    switch (node.kind) {
        case Kind::object: RC_ASSERT(here.starts_with('{')); break;
        case Kind::array: RC_ASSERT(here.starts_with('[')); break;
        case Kind::string: RC_ASSERT(here.starts_with(nlohmann::json(node.text).dump())); break;
        case Kind::null:
        case Kind::boolean:
        case Kind::number: RC_ASSERT(here.starts_with(node.text)); break;
    }
    for (const Node& child : node.children) {
        if (node.kind == Kind::object) {
            RC_ASSERT(
                std::string_view(text).substr(child.key_begin).starts_with(nlohmann::json(child.key).dump()));
        }
        check_positions(text, child);
    }
}

}  // namespace

TEST_CASE("a tree keeps everything that was written, equal keys included") {
    const auto root = tree_of(R"({"a": 1, "a": [true, null, -1.5e3, "x"]})");
    REQUIRE(root.has_value());
    REQUIRE(root->children.size() == 2);
    CHECK(root->children[0].text == "1");
    CHECK(root->find("a") == &root->children[1]);
    CHECK(root->find("b") == nullptr);
    const std::vector<Node>& items = root->children[1].children;
    CHECK(items[0].text == "true");
    CHECK(items[1].kind == Kind::null);
    CHECK(items[2].text == "-1.5e3");
    CHECK(items[3].text == "x");
}

TEST_CASE("nesting is allowed up to the bound") {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(tree_of(nested(deepest_nesting)).has_value());
    CHECK_FALSE(tree_of(nested(deepest_nesting + 1)).has_value());
}

TEST_CASE("any JSON value is read as it was written, and each part of it begins where the tree says") {
    const bool held = rc::check("values and positions", [] {
        const nlohmann::json value = generate(4);
        const std::string text = spell(value);
        const auto root = tree_of(text);
        RC_ASSERT(root.has_value());
        RC_ASSERT(plain(*root) == value);
        check_positions(text, *root);
    });
    CHECK(held);
}
