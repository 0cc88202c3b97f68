// What the table of keys says of itself.
#include "config/keys.h"

#include <set>
#include <string>

#include "config/key_tables.h"
#include "config/key_text.h"
#include "config/load.h"
#include "tests/catch.h"

using namespace sup::config;

namespace {

template <typename Each>
void for_each_key(const Section& section, const Each& each) {
    for (const Key& key : section.keys) {
        each(key);
        if (const Section* inner = section_of(key)) for_each_key(*inner, each);
    }
}

const Key& key_at(const Section& section, std::string_view name) {
    for (const Key& key : section.keys) {
        if (key.name == name) return key;
    }
    FAIL("no key " << name);
    return section.keys.front();
}
const Key& key_at(std::string_view object, std::string_view name) {
    return key_at(*section_of(key_at(root_section(), object)), name);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every key says what it is for, and what it is when it is not given") {
    for_each_key(root_section(), [](const Key& key) {
        INFO(key.name);
        CHECK(key.summary.size() > 15);
        CHECK(key.summary.ends_with('.'));
        CHECK((key.details.empty() || key.details.ends_with('.')));
        const bool has_default = !default_json(key).empty() || !key.default_words.empty();
        const bool needs_none = key.required || section_of(key) != nullptr || key.name == "$schema";
        CHECK(has_default != needs_none);
    });
}

TEST_CASE("a key that must be given has an example, which the message shows that asks for it") {
    for_each_key(root_section(), [](const Key& key) {
        if (key.required) CHECK_FALSE(key.examples.front().empty());
    });
}

TEST_CASE("a default is written as a configuration would write it") {
    CHECK(default_json(key_at("listen", "backlog")) == "4096");
    CHECK(default_json(key_at("listen", "ipv6only")) == "true");
    CHECK(default_json(key_at("listen", "mode")) == R"("0666")");
    CHECK(default_json(key_at("listen", "owner")).empty());
    CHECK(default_json(key_at("worker", "protocols")) == R"(["systemd"])");
    CHECK(default_json(key_at("worker", "ready")) == R"("notify")");
    CHECK(default_json(key_at("worker", "ready_timeout")) == R"("30s")");
    CHECK(default_json(key_at("worker", "leftovers")) == R"("end")");
    CHECK(default_json(key_at("worker", "env")) == "{}");
    CHECK(default_json(key_at("drain", "signal")) == R"("SIGTERM")");
    const Section& when_slow = *section_of(key_at("log", "when_slow"));
    CHECK(default_json(key_at(when_slow, "wait")) == R"("2s")");
    CHECK(default_json(key_at(when_slow, "queue")) == R"("8MiB")");
}

TEST_CASE("the tables have every key, with its default and what it is for") {
    const std::string whole = whole_key_tables();
    for_each_key(root_section(),
                 [&](const Key& key) { CHECK(contains(whole, "\n| `" + std::string(key.name) + "` | ")); });
    CHECK(contains(whole, "\n### `listen[]`\n"));
    CHECK(contains(whole, "\n### `log.when_slow`\n"));
    CHECK(contains(whole, "| `timeout` | duration of at least 1ms | `\"30s\"` | "));

    const std::string brief = short_key_table();
    CHECK(contains(brief,
                   "\n| `listen[].backlog` | number from 1 to 1000000 | `4096` | How many connections may "
                   "wait to be accepted. Only for "));
    CHECK(contains(brief, "\n| `worker.command` | array of strings | required | "));
    CHECK(contains(brief, "\n| `log.when_slow.queue` | size from 4KiB to 1GiB | `\"8MiB\"` | "));
}

TEST_CASE("a key is told once for each of its mistakes: its value, and that it has no place there") {
    const auto problems = [](const std::string& reload) {
        const auto config =
            parse_config(R"({"listen": [], "worker": {"command": ["x"]}, "reload": )" + reload + "}",
                         "/etc/sup/test.json");
        REQUIRE_FALSE(config.ok());
        return to_text(config.error());
    };
    CHECK(
        problems(R"({"strategy": "replace", "max_surge": 0})") ==
        "/etc/sup/test.json:1:80: /reload/max_surge: \"max_surge\" is for \"strategy\": \"rolling\", but the "
        "strategy is \"replace\"\n"
        "/etc/sup/test.json:1:93: /reload/max_surge: expected a whole number from 1 to 4096, found 0");
    CHECK(problems(R"({"max_surge": 0})") ==
          "/etc/sup/test.json:1:70: /reload/max_surge: expected a whole number from 1 to 4096, found 0");
}
