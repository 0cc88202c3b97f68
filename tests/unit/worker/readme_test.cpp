// What README.md shows is what there is.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/catch.h"

namespace {

const std::filesystem::path source(SOURCE_DIR);

std::string content(const std::filesystem::path& path) {
    std::ifstream file(path);
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// As a block of code in Markdown: four spaces before every line that has something, empty lines around it.
std::string block(const std::string& text) {
    std::istringstream lines(text);
    std::ostringstream all;
    all << "\n\n";
    for (std::string line; std::getline(lines, line);) all << (line.empty() ? "" : "    ") << line << "\n";
    all << "\n";
    return all.str();
}

}  // namespace

TEST_CASE("README.md shows the worker that the tests build against the installed library and run, and how") {
    const std::string readme = content(source / "README.md");
    for (const char* file : {"main.cpp", "CMakeLists.txt"}) {
        CAPTURE(file);
        CHECK(readme.find(block(content(source / "tests/integration/external_worker" / file))) !=
              std::string::npos);
    }
}
