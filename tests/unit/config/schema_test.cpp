// Holds the schema, the rules for editors, and the parser, the rules for sup, against each other. Both are
// made from the table of keys; that they agree on values is not a matter of course.
#include "config/schema.h"

#include <rapidcheck.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>
#include <vector>

#include "config/keys.h"
#include "config/load.h"
#include "tests/catch.h"

using nlohmann::json;
using Adapter = valijson::adapters::NlohmannJsonAdapter;

namespace {

json read_json(const std::string& file) {
    std::ifstream stream(std::string(SUP_CONFIG_FOLDER) + "/" + file);
    return json::parse(stream, nullptr, true, true);
}

// valijson knows drafts up to 7, which differ from 2020-12 in one word that the schema uses.
json as_draft_7(json schema) {
    if (schema.is_object() && schema.contains("prefixItems")) {
        schema["additionalItems"] = schema["items"];
        schema["items"] = schema["prefixItems"];
        schema.erase("prefixItems");
    }
    for (json& part : schema) {
        if (part.is_structured()) part = as_draft_7(part);
    }
    return schema;
}

class Schema {
public:
    Schema() : text_(json::parse(sup::config::json_schema())) {
        valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
        parser.populateSchema(Adapter(as_draft_7(text_)), compiled_);
    }
    const json& text() const { return text_; }
    bool accepts(const json& document) const {
        return valijson::Validator(valijson::Validator::kStrongTypes)
            .validate(compiled_, Adapter(document), nullptr);
    }

private:
    json text_;
    valijson::Schema compiled_;
};

bool parser_accepts(const json& document) {
    return sup::config::parse_config(document.dump(), "/etc/sup/test.json").ok();
}

json minimal() {
    return json::parse(R"({"listen": [{"address": "127.0.0.1:1"}], "worker": {"command": ["x"]}})");
}

// "/listen/address" with the index of the one listener in it.
json::json_pointer place(const std::string& key) {
    const std::string listen = "/listen/";
    return json::json_pointer(key.starts_with(listen) ? "/listen/0/" + key.substr(listen.size()) : key);
}

struct Values {
    std::string key;
    std::vector<json> good;
    std::vector<json> bad;     // both refuse them
    std::vector<json> beyond;  // only the parser refuses them: a pattern cannot know, or would be unreadable
    std::string address = "127.0.0.1:1";  // of the listener
};

const json nothing = json::array();
const json empty = json::object();
const std::string nul("a\0b", 3);

const std::vector<Values>& table() {
    static const std::vector<Values> values{
        {"/$schema", {"", "./sup.schema.json"}, {1, nullptr, nul}, {}},
        {"/name",
         {"a", "A-Z.9_", std::string(64, 'a'), "..."},
         {"", ".", "..", "a b", "a/b", "é", "a\n", "a\nb", std::string(65, 'a'), 1, nullptr, nothing},
         {}},
        {"/listen",
         {nothing},
         {empty, "127.0.0.1:80", nullptr, json::parse("[1]"), json(1001, {{"address", "*:0"}})},
         {}},
        {"/listen/name", {"http", "a.b-c_d"}, {"", "..", "a:b", 1, nullptr}, {}},
        {"/listen/address",
         {"127.0.0.1:80", "0.0.0.0:0", "*:65535", "[::1]:80", "[2001:db8::]:80", "[fe80::1%eth0]:80",
          "[::]:1", "udp:*:1", "udp:[::1]:53", "unix:/x", "unix:x y", "unix:@x", "unix-dgram:/x.sock",
          "unix-dgram:@é"},
         {"",       "80",       ":80",     "localhost:80", "::1:80",   "[::1]",    "*:080",
          "*:-1",   "*:123456", "unix:",   "unix:@",       "unix:/x/", "unix:@x/", "unix-dgram:",
          "udp:/x", "udp:53",   "UNIX:/x", "tcp:*:1",      "*:80 ",    " *:80",    "*:80\n",
          80,       nullptr,    nul},
         {"256.0.0.1:80", "127.1:80", "*:65536", "[:::]:80", "[1.2.3.4]:80", "[fe80::1]:80",
          "[::ffff:1.2.3.4]:80", "unix:/" + std::string(107, 'x')}},
        {"/listen/backlog", {1, 1'000'000}, {0, -1, 1'000'001, 1.5, "128", nullptr, true}, {}},
        {"/listen/nonblock", {true, false}, {0, 1, "true", nullptr}, {}},
        {"/listen/ipv6only", {true, false}, {0, "true", nullptr}, {}, "[::]:1"},
        {"/listen/ipv6only", {true, false}, {}, {}, "udp:[0::0]:1"},
        {"/listen/reuseport", {true, false}, {0, "true", nullptr}, {}},
        {"/listen/reuseport", {true}, {1}, {}, "udp:*:1"},
        {"/listen/tcp_nodelay", {true, false}, {0, "true", nullptr}, {}},
        {"/listen/fastopen", {0, 1'000'000}, {-1, 1'000'001, 1.5, "1", true, nullptr}, {}},
        {"/listen/defer_accept", {"0", "1s", "100ms"}, {1, "1", "", nullptr}, {"9999d"}},
        {"/listen/mode",
         {"0660", "777", "000"},
         {"", "66", "0680", "1777", "04777", 660, nullptr},
         {},
         "unix:/x"},
        {"/listen/owner", {"root", "33", "a b"}, {"", "a:b", "a/b", "a\nb", nul, 33, nullptr}, {}, "unix:/x"},
        {"/listen/group", {"root", "33"}, {"", "a:b", 33, nullptr}, {}, "unix-dgram:x"},
        {"/worker", {}, {nothing, "x", nullptr, empty}, {}},
        {"/worker/command",
         {{"x"}, {"./x", "", "-v"}, {"/x/y", "é\n"}, {"x{", "{fd:listen0}{{{slot}"}},
         {nothing,
          "x",
          {""},
          {"", "x"},
          {1},
          {"x", 1},
          {"x", nullptr},
          {nul},
          {"x", nul},
          {nothing},
          nullptr},
         {{"x", "{"}, {"x", "{fd}"}, {"x", "{fd:other}"}, {"x", "{path:listen0}"}, {"x", "{what}"}}},
        {"/worker/count", {1, 4096, "auto"}, {0, -1, 4097, 1.5, "1", "AUTO", "", nullptr, true, nothing}, {}},
        {"/worker/cwd", {".", "/", "a b/ü"}, {"", 1, nullptr, nul, nothing}, {}},
        {"/worker/env",
         {empty, {{"A", ""}}, {{"a b", "x=y"}, {"LISTEN_ADDRESS", ":80"}, {"SUP_RUNTIME_DIR", "/x"}}},
         {nothing,
          "A=b",
          nullptr,
          {{"A", 1}},
          {{"A", nullptr}},
          {{"", "x"}},
          {{"A=B", "x"}},
          {{nul, "x"}},
          {{"A", nul}},
          {{"LISTEN_FDS", "1"}},
          {{"LISTEN_PID", "1"}},
          {{"LISTEN_FDNAMES", "1"}},
          {{"LISTEN_PIDFDID", "1"}},
          {{"NOTIFY_SOCKET", "1"}},
          {{"WATCHDOG_PID", "1"}},
          {{"WATCHDOG_USEC", "1"}},
          {{"SUP_INSTANCE", "1"}},
          {{"SUP_GENERATION", "1"}},
          {{"SUP_SLOT", "1"}},
          {{"SUP_DRAIN_TIMEOUT_MS", "1"}}},
         {{{"A", "{"}}, {{"A", "{slot:listen0}"}}, {{"PATH", "/{slot}"}}}},
        {"/worker/ready",
         {"notify", "0", "0s", "250ms", {{"fd", 4}}, {{"fd", 1023}}},
         {"",
          "Notify",
          "1",
          "-1s",
          "1 s",
          1,
          nullptr,
          empty,
          {{"fd", 2}},
          {{"fd", 1024}},
          {{"fd", "4"}},
          {{"fd", 4}, {"x", 1}},
          {{"connect", "http"}}},
         {"30s", "9999d", "einhorn-ack", {{"fd", 3}}}},
        {"/worker/protocols",
         {nothing, {"systemd"}, {"systemd", "server-starter", "einhorn", "nginx", "php-fpm"}, {"stdin"}},
         {"systemd", {"Systemd"}, {1}, {nullptr}, {"nginx", "nginx"}, nullptr, empty},
         {{"stdin", "systemd"}}},
        {"/worker/ready_timeout",
         {"1ms", "1d", "007s"},
         {"0", "0s", "", "5", "5sec", "1.5s", "-1s", 5, nullptr},
         {"9999d"}},
        {"/worker/leftovers", {"end", "leave"}, {"", "keep", true, nullptr}, {}},
        {"/drain", {empty}, {nothing, nullptr, "SIGTERM"}, {}},
        {"/drain/to", {"auto", "main", "ready", "group"}, {"", "Auto", "child", 1, nullptr}, {}},
        {"/drain/signal",
         {"SIGTERM", "TERM", "SIGQUIT", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "WINCH", "IO", "PWR", "URG",
          "ALRM", "SIGRTMIN", "RTMIN+1", "SIGRTMIN+30"},
         {"", "sigterm", "SIGKILL", "STOP", "SIGSEGV", "SIGRTMIN+31", "SIGRTMIN+0", "15", 15, nullptr,
          "SIGTERM "},
         {}},
        {"/drain/timeout", {"1ms", "30s", "3650d"}, {"0", "0ms", "30", "s", 30, nullptr}, {"3651d"}},
        {"/reload", {empty}, {nothing, nullptr, "replace"}, {}},
        {"/reload/strategy", {"replace", "rolling"}, {"roling", "Replace", "", 1, nullptr}, {}},
        {"/reload/max_surge", {1, 4096}, {0, 4097, -1, 1.5, "4", nullptr}, {}},
        {"/reload/soak", {"0", "0s", "5m"}, {"-5m", "5", 5, nullptr, ""}, {"88888888888888888888s"}},
        {"/reload/max_draining", {1, 100}, {0, 101, -1, 1.5, "4", nullptr}, {}},
        {"/restart", {empty}, {nothing, nullptr, true}, {}},
        {"/restart/min_uptime", {"0s", "1h"}, {"", "1", 1, nullptr}, {}},
        {"/restart/backoff_min", {"1ms", "30s"}, {"0s", "x", 1, nullptr}, {"31s"}},
        {"/restart/backoff_max", {"100ms", "1d"}, {"0s", "x", 1, nullptr}, {"99ms"}},
        {"/log", {empty}, {nothing, nullptr, "info"}, {}},
        {"/log/level", {"debug", "info", "warning", "error"}, {"trace", "warn", "INFO", "", 1, nullptr}, {}},
        {"/log/format", {"text", "json"}, {"xml", "", 1, nullptr}, {}},
        {"/log/workers", {"capture", "inherit"}, {"none", "", 1, nullptr}, {}},
        {"/log/file", {"sup.log", "/var/log/sup.log"}, {"", 1, nullptr, nul, nothing}, {}},
        {"/log/max_size",
         {"0", "1KiB", "64MiB", "1024GiB"},
         {"", "64", "64MB", "-1B", "1.5GiB", 64, nullptr},
         {"1025GiB"}},
        {"/log/keep", {0, 1000}, {-1, 1001, 1.5, "4", nullptr}, {}},
        {"/log/when_slow", {empty}, {nothing, nullptr, "2s", "forever"}, {}},
        {"/log/when_slow/wait", {"forever", "0", "2s", "5m"}, {"", "never", "2", 2, nullptr}, {"3651d"}},
        {"/log/when_slow/queue", {"4KiB", "8MiB", "1GiB"}, {"", "8", "8M", 8, nullptr}, {"0", "1B", "2GiB"}},
    };
    return values;
}

// A good document in which the key has its place.
json document_for(const Values& values) {
    json document = minimal();
    document["listen"][0]["address"] = values.address;
    if (values.key == "/reload/max_surge") document["reload"]["strategy"] = "rolling";
    return document;
}
json document_for(const std::string& key) {
    return document_for(*std::ranges::find(table(), key, &Values::key));
}

void list_properties(const json& schema, const std::string& prefix,
                     std::vector<std::pair<std::string, json>>& out) {
    if (schema.contains("items") && schema["items"].is_object())
        return list_properties(schema["items"], prefix, out);
    if (!schema.contains("properties")) return;
    for (const auto& [name, property] : schema["properties"].items()) {
        out.emplace_back(prefix + "/" + name, property);
        list_properties(property, prefix + "/" + name, out);
    }
}

std::vector<std::pair<std::string, json>> properties_of(const Schema& schema) {
    std::vector<std::pair<std::string, json>> all;
    list_properties(schema.text(), "", all);
    return all;
}

template <typename T>
std::vector<T> sorted(std::vector<T> values) {
    std::sort(values.begin(), values.end());
    return values;
}

}  // namespace

TEST_CASE("the schema has exactly the keys that the parser knows") {
    std::vector<std::string> in_schema;
    for (const auto& [key, property] : properties_of(Schema())) in_schema.push_back(key);
    CHECK(sorted(in_schema) == sorted(sup::config::known_keys()));
}

TEST_CASE("the table of values tries every key") {
    std::vector<std::string> tried;
    for (const Values& values : table()) tried.push_back(values.key);
    tried = sorted(tried);
    tried.erase(std::unique(tried.begin(), tried.end()), tried.end());
    CHECK(tried == sorted(sup::config::known_keys()));
}

TEST_CASE("every key of the schema says what it is for") {
    for (const auto& [key, property] : properties_of(Schema())) {
        INFO(key);
        CHECK(property.value("description", "").size() > 20);
    }
}

TEST_CASE("schema and parser accept and refuse the same values") {
    const Schema schema;
    REQUIRE(schema.accepts(minimal()));
    REQUIRE(parser_accepts(minimal()));
    const auto with = [](const Values& values, const json& value) {
        json document = document_for(values);
        document[place(values.key)] = value;
        return document;
    };
    for (const Values& values : table()) {
        for (const json& value : values.good) {
            INFO("good: " << values.key << " " << value.dump().substr(0, 200));
            CHECK(schema.accepts(with(values, value)));
            CHECK(parser_accepts(with(values, value)));
        }
        for (const json& value : values.bad) {
            INFO("bad: " << values.key << " " << value.dump().substr(0, 200));
            CHECK_FALSE(schema.accepts(with(values, value)));
            CHECK_FALSE(parser_accepts(with(values, value)));
        }
        for (const json& value : values.beyond) {
            INFO("beyond: " << values.key << " " << value.dump().substr(0, 200));
            CHECK(schema.accepts(with(values, value)));
            CHECK_FALSE(parser_accepts(with(values, value)));
        }
    }
}

TEST_CASE("schema and parser allow each key for the same kinds of sockets") {
    const Schema schema;
    const json keys{{"backlog", 1},        {"nonblock", true},    {"reuseport", true}, {"ipv6only", true},
                    {"tcp_nodelay", true}, {"fastopen", 1},       {"mode", "0600"},    {"owner", "root"},
                    {"group", "root"},     {"defer_accept", "1s"}};
    for (const char* address : {"127.0.0.1:1", "[::]:1", "[::1]:1", "*:1", "udp:*:1", "udp:[::]:1", "unix:/x",
                                "unix:@x", "unix-dgram:/x", "unix-dgram:@x"}) {
        for (const auto& [key, value] : keys.items()) {
            INFO(address << " " << key);
            json document = minimal();
            document["listen"][0] = {{"address", address}, {key, value}};
            CHECK(schema.accepts(document) == parser_accepts(document));
        }
    }
}

TEST_CASE("schema and parser allow max_surge for the same strategies") {
    const Schema schema;
    for (const json& reload : {json{{"max_surge", 1}}, json{{"max_surge", 2}, {"strategy", "replace"}},
                               json{{"max_surge", 2}, {"strategy", "rolling"}}}) {
        json document = minimal();
        document["reload"] = reload;
        INFO(reload);
        CHECK(schema.accepts(document) == (reload.value("strategy", "") == "rolling"));
        CHECK(parser_accepts(document) == schema.accepts(document));
    }
}

TEST_CASE("schema and parser allow bounds of the log only where sup sees what is logged") {
    const Schema schema;
    for (const json& key : {json{{"max_size", "1MiB"}}, json{{"keep", 1}}, json{{"when_slow", empty}}}) {
        for (const char* workers : {"", "capture", "inherit"}) {
            json document = minimal();
            document["log"] = key;
            if (*workers != '\0') document["log"]["workers"] = workers;
            INFO(document);
            CHECK(schema.accepts(document) == (std::string(workers) != "inherit"));
            CHECK(parser_accepts(document) == schema.accepts(document));
        }
    }
}

TEST_CASE("schema and parser want the same keys and refuse unknown ones") {
    const Schema schema;
    for (const char* required : {"/listen", "/worker", "/worker/command", "/listen/0/address"}) {
        INFO(required);
        const json::json_pointer pointer(required);
        json document = minimal();
        document[pointer.parent_pointer()].erase(pointer.back());
        CHECK_FALSE(schema.accepts(document));
        CHECK_FALSE(parser_accepts(document));
    }
    for (const char* object : {"", "/listen/0", "/worker", "/drain", "/reload", "/restart", "/log"}) {
        INFO(object);
        json document = minimal();
        document[json::json_pointer(object)]["unheard_of"] = 1;
        CHECK_FALSE(schema.accepts(document));
        CHECK_FALSE(parser_accepts(document));
    }
}

TEST_CASE("the defaults that the schema tells are those of the parser") {
    const auto config_of = [](const json& document) {
        return sup::config::parse_config(document.dump(), "/etc/sup/test.json").value();
    };
    for (const auto& [key, property] : properties_of(Schema())) {
        if (!property.contains("default")) continue;
        INFO(key);
        const json document = document_for(key);
        json with_default = document;
        with_default[place(key)] = property["default"];
        CHECK(config_of(with_default) == config_of(document));
    }
}

TEST_CASE("schema and parser accept every example of the schema") {
    const Schema schema;
    for (const auto& [key, property] : properties_of(schema)) {
        const bool explains_itself = property.value("type", "") == "boolean" || property.contains("enum") ||
                                     property.value("type", "") == "object";
        CHECK((explains_itself || property.contains("examples")));
        for (const json& example : property.value("examples", json::array())) {
            INFO(key << " " << example);
            json document = document_for(key);
            document["listen"][0]["name"] = "http";
            document[place(key)] = example;
            CHECK(schema.accepts(document));
            CHECK(parser_accepts(document));
        }
    }
}

TEST_CASE("the example passes schema and parser") {
    CHECK(Schema().accepts(read_json("hello.json")));
    CHECK(sup::config::load_config(std::string(SUP_CONFIG_FOLDER) + "/hello.json").ok());
}

TEST_CASE("every example passes schema and parser, and has ten lines or so") {
    int examples = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(SUP_CONFIG_FOLDER) + "/examples")) {
        const std::string file = "examples/" + entry.path().filename().string() + "/sup.json";
        INFO(file);
        CHECK(Schema().accepts(read_json(file)));
        const auto config = sup::config::load_config(std::string(SUP_CONFIG_FOLDER) + "/" + file);
        INFO((config.ok() ? "" : to_text(config.error())));
        CHECK(config.ok());
        std::ifstream text(std::string(SUP_CONFIG_FOLDER) + "/" + file);
        CHECK(std::count(std::istreambuf_iterator<char>(text), {}, '\n') <= 14);
        ++examples;
    }
    CHECK(examples > 15);
}

TEST_CASE("what the parser accepts the schema accepts, whatever stands at whatever key") {
    const Schema schema;
    std::vector<std::string> keys;
    std::vector<json> values;
    for (const Values& row : table()) {
        keys.push_back(row.key);
        for (const auto& list : {row.good, row.bad, row.beyond})
            values.insert(values.end(), list.begin(), list.end());
    }
    const bool held = rc::check("parser accepts, so schema accepts", [&] {
        json document = minimal();
        const int changes = *rc::gen::inRange(1, 4);
        for (int i = 0; i < changes; ++i) {
            const std::string key = *rc::gen::elementOf(keys);
            const json::json_pointer pointer = place(key);
            const json::json_pointer parent = pointer.parent_pointer();
            if (!document.contains(parent)) {
                if (!document[parent.parent_pointer()].is_object())
                    continue;  // an earlier change put something else there
                document[parent] = json::object();
            }
            if (document[parent].is_object()) document[pointer] = *rc::gen::elementOf(values);
        }
        RC_ASSERT(!parser_accepts(document) || schema.accepts(document));
    });
    CHECK(held);
}
