// docs/json.md says what is written, key by key.
#include <fstream>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/status/filled.h"

using namespace sup::status;

namespace {

using Keys = std::map<std::string, std::string>;  // of one table: the type of each
using Tables = std::map<std::string, Keys>;       // by heading

template <typename T>
std::string name_of() {
    if constexpr (std::is_same_v<T, bool>) return "boolean";
    if constexpr (std::is_integral_v<T>) return "number";
    if constexpr (std::is_same_v<T, sup::Duration>) return "number";
    if constexpr (std::is_same_v<T, std::string>) return "string";
    if constexpr (std::is_same_v<T, Time>) return "time";
    if constexpr (std::is_same_v<T, std::map<std::string, std::uint64_t>>) return "object";
    if constexpr (std::is_same_v<T, Executable>) return "[executable](#executable)";
    if constexpr (std::is_same_v<T, LastExit>) return "[last exit](#last-exit)";
    if constexpr (std::is_same_v<T, Worker>) return "[worker](#worker)";
    if constexpr (std::is_same_v<T, Generation>) return "[generation](#generation)";
    if constexpr (std::is_same_v<T, Listener>) return "[listener](#listener)";
    if constexpr (std::is_same_v<T, Connections>) return "[connections](#connections)";
    if constexpr (std::is_same_v<T, Reload>) return "[reload](#reload)";
    if constexpr (std::is_same_v<T, LeftBehind>) return "[left behind](#left-behind)";
    return {};
}

// Whether the documented type is that of the field. What may be null in a picture, because another master may
// not tell it, need not be so in what this one writes.
template <typename T>
bool is_type(const std::string& documented, const T&) {
    return documented == name_of<T>();
}
template <typename T>
bool is_type(const std::string& documented, const std::vector<T>&) {
    return documented == "array of " + name_of<T>();
}
template <typename T>
bool is_type(const std::string& documented, const std::optional<T>&) {
    return documented == name_of<T>() + " or null" || documented == name_of<T>();
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    for (std::size_t begin = 1, end = 0; (end = line.find('|', begin)) != std::string::npos;
         begin = end + 1) {
        const std::string cell = line.substr(begin, end - begin);
        const auto first = cell.find_first_not_of(' ');
        cells.push_back(first == std::string::npos
                            ? std::string()
                            : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
    }
    return cells;
}

Tables documented() {
    std::ifstream page{SUP_SOURCE_DIR "/docs/json.md"};
    REQUIRE(page);
    Tables tables;
    std::string heading;
    bool of_keys = false;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("## ")) heading = line.substr(3);
        if (!line.starts_with("|")) {
            of_keys = false;
            continue;
        }
        const auto cells = cells_of(line);
        if (cells.at(0) == "key") of_keys = true;
        if (of_keys && cells.at(0).starts_with('`'))
            tables[heading][cells[0].substr(1, cells[0].size() - 2)] = cells.at(1);
    }
    return tables;
}

template <typename T>
void check(Tables& tables, const std::string& heading) {
    INFO(heading);
    Keys keys = std::move(tables[heading]);
    tables.erase(heading);
    T it = sup::status::test::filled<T>();
    fields(it, [&](const char* key, const auto& field, bool = true) {
        INFO(key << ": " << keys[key]);
        CHECK(is_type(keys[key], field));
        keys.erase(key);
    });
    for (const auto& [key, type] : keys) FAIL_CHECK(key << " is documented, and never written");
}

template <typename... Types>
void check_events(Tables& tables, std::type_identity<std::variant<Types...>>) {
    (check<Types>(tables, std::string("event ") + type_of(Types{})), ...);
}

}  // namespace

TEST_CASE("docs/json.md has every key with its type, and no other") {
    Tables tables = documented();
    check<Picture>(tables, "status");
    check<Listener>(tables, "listener");
    check<Generation>(tables, "generation");
    check<Executable>(tables, "executable");
    check<Worker>(tables, "worker");
    check<LastExit>(tables, "last exit");
    check<Reload>(tables, "reload");
    check<Connections>(tables, "connections");
    check<LeftBehind>(tables, "left behind");
    check<Listed>(tables, "list");
    check<Stopped>(tables, "stopped");
    check_events(tables, std::type_identity<Event>{});
    for (const auto& [heading, keys] : tables) FAIL_CHECK("'" << heading << "' is nothing that is written");
}
