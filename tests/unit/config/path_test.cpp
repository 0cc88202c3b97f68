#include "config/path.h"

#include <filesystem>
#include <string>

#include "tests/catch.h"
#include "tests/unit/config/temp_folder.h"

using sup::config::absolute_path;

TEST_CASE("a relative path starts at the folder, an absolute one at the root") {
    CHECK(absolute_path("/etc/sup", "server") == "/etc/sup/server");
    CHECK(absolute_path("/etc/sup", "./bin//./server") == "/etc/sup/bin/server");
    CHECK(absolute_path("/etc/sup", "/bin/server") == "/bin/server");
    CHECK(absolute_path("/etc/sup", ".") == "/etc/sup");
    CHECK(absolute_path("/", "server") == "/server");
    CHECK(absolute_path("/", "..") == "/");
}

TEST_CASE("going up is folded only where no symbolic link can change what it means") {
    const TempFolder folder;
    std::filesystem::create_directories(folder.path() + "/releases/1");
    std::filesystem::create_directory_symlink("releases/1", folder.path() + "/current");
    CHECK(absolute_path(folder.path() + "/releases", "../shared") == folder.path() + "/shared");
    CHECK(absolute_path(folder.path() + "/releases/1", "../../shared") == folder.path() + "/shared");
    CHECK(absolute_path(folder.path() + "/current", "../shared") == folder.path() + "/current/../shared");
    CHECK(absolute_path(folder.path() + "/current", "../../x") == folder.path() + "/current/../../x");
    CHECK(absolute_path(folder.path(), "missing/../x") == folder.path() + "/missing/../x");
}

TEST_CASE("a relative path goes through the links that the user took, where they lead to this folder") {
    struct Back {
        std::filesystem::path folder = std::filesystem::current_path();
        ~Back() { std::filesystem::current_path(folder); }
    } const back;
    const TempFolder folder;
    std::filesystem::create_directories(folder.path() + "/releases/1");
    std::filesystem::create_directory_symlink("releases/1", folder.path() + "/current");
    std::filesystem::current_path(folder.path() + "/current");
    const auto as_shown = [](const std::string& shown) {
        ::setenv("PWD", shown.c_str(), 1);
        return absolute_path("./sup.json").value();
    };
    const std::string real = folder.path() + "/releases/1/sup.json";
    CHECK(as_shown(folder.path() + "/current") == folder.path() + "/current/sup.json");
    CHECK(as_shown(folder.path() + "/releases/../current/.") == folder.path() + "/current/sup.json");
    CHECK(as_shown(folder.path()) == real);
    CHECK(as_shown("/no/such/folder") == real);
    CHECK(as_shown(".") == real);
    CHECK(as_shown("") == real);
    ::unsetenv("PWD");
    CHECK(absolute_path("sup.json").value() == real);
}
