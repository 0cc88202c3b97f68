#include "config/load.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "config/document.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/config/temp_folder.h"

using namespace sup::config;

namespace {

const std::string minimal = R"({"listen": [], "worker": {"command": ["./server"]}})";

std::string why_not(const std::string& path) {
    const auto config = load_config(path);
    return config.ok() ? "" : to_text(config.error());
}

}  // namespace

TEST_CASE("a file is read with its own folder as the start of relative paths") {
    const TempFolder folder;
    const auto config = load_config(folder.write("shop.json", minimal));
    REQUIRE(config.ok());
    CHECK(config->file == folder.path() + "/shop.json");
    CHECK(config->name == "shop");
    CHECK(config->worker.program == folder.path() + "/server");
    CHECK(config->worker.cwd == folder.path());
}

TEST_CASE("a symbolic link to a folder is kept, so that a reload follows it anew") {
    const TempFolder folder;
    std::filesystem::create_directory(folder.path() + "/release-1");
    folder.write("release-1/sup.json", minimal);
    std::filesystem::create_directory_symlink("release-1", folder.path() + "/current");
    const auto config = load_config(folder.path() + "/current/sup.json");
    REQUIRE(config.ok());
    CHECK(config->file == folder.path() + "/current/sup.json");
    CHECK(config->worker.program == folder.path() + "/current/server");
}

TEST_CASE("what cannot be a configuration file is refused by its kind") {
    const TempFolder folder;
    CHECK(why_not(folder.path() + "/none.json") ==
          folder.path() + "/none.json: cannot be opened: No such file or directory");
    CHECK(why_not(folder.path()) == folder.path() + ": is a directory, expected a configuration file");
    const std::string fifo = folder.path() + "/fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(why_not(fifo) == fifo + ": is not a regular file; each reload reads the configuration again");
    CHECK(why_not("") == ": cannot be opened: No such file or directory");
}

TEST_CASE("a file that may not be read is refused") {
    if (geteuid() == 0) return sup::test::skip("root may read everything");
    const TempFolder folder;
    const std::string file = folder.write("secret.json", minimal);
    REQUIRE(chmod(file.c_str(), 0) == 0);
    CHECK(why_not(file) == file + ": cannot be opened: Permission denied");
}

TEST_CASE("a file is read up to the bound and refused above it") {
    const TempFolder folder;
    const std::string most = minimal + std::string(largest_file - minimal.size(), ' ');
    CHECK(why_not(folder.write("most.json", most)).empty());
    const std::string file = folder.write("more.json", most + " ");
    CHECK(why_not(file) == file + ": too large for a configuration (limit 1.0 MiB)");
}

TEST_CASE("problems name the file as the person named it") {
    const TempFolder folder;
    folder.write("bad.json", "{\n 3}");
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    CHECK(why_not("./bad.json") == "./bad.json:2:2: expected a key in double quotes, found 3");
    std::filesystem::current_path(before);
}

TEST_CASE("control characters of a file do not reach the terminal") {
    const auto config = parse_config("{\"\\u001b[2J\": 1, \"\\u009b\": \"\\u0007\"}", "/etc/sup/test.json");
    REQUIRE_FALSE(config.ok());
    const std::string text = to_text(config.error());
    CHECK(text.find("/\\x1b[2J") != text.npos);
    CHECK(text.find("/\\xc2\\x9b") != text.npos);
    CHECK(text.find('\x1b') == text.npos);
    CHECK(text.find('\x07') == text.npos);
}

TEST_CASE("a pointer leads to the place of its value, or of the closest that is there") {
    const auto document =
        parse_document("{\n\"listen\": [1,\n 2], \"a/b\": {\"~\": 3}}", "/etc/sup/test.json");
    REQUIRE(document.ok());
    CHECK(position_of(*document, "") == Position{1, 1});
    CHECK(position_of(*document, "/listen") == Position{2, 11});
    CHECK(position_of(*document, "/listen/1") == Position{3, 2});
    CHECK(position_of(*document, "/listen/2") == Position{2, 11});
    CHECK(position_of(*document, "/a~1b/~0") == Position{3, 19});
    CHECK(position_of(*document, "/worker/cwd") == Position{1, 1});
}
