// What cmake/hardening.cmake promises, read off the binaries that were built.
#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/process.h"

namespace sup::test {
namespace {

std::string cached(const std::string& variable) {
    std::ifstream cache(build_dir() + "/CMakeCache.txt");
    for (std::string line; std::getline(cache, line);) {
        if (line.rfind(variable + ":", 0) == 0) return line.substr(line.find('=') + 1);
    }
    return {};
}

bool is_release() {
    const std::string type = cached("CMAKE_BUILD_TYPE");
    return !sanitized && (type == "Release" || type == "RelWithDebInfo" || type == "MinSizeRel");
}

std::string readelf(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{"readelf", "--wide"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run({.argv = argv});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return outcome.out;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// The line of a program header.
std::string segment(const std::string& headers, const std::string& name) {
    const std::size_t at = headers.find("  " + name + " ");
    return at == std::string::npos ? "" : headers.substr(at, headers.find('\n', at) - at);
}

}  // namespace

TEST_CASE("the binaries of a release build are hardened") {
    if (!is_release())
        return skip("this build is no release: CMAKE_BUILD_TYPE is Debug, or it has sanitizers");
    for (const std::string& binary : {sup_binary(), hello_worker()}) {
        INFO(binary);
        CHECK(has(readelf({"--file-header", binary}), "Position-Independent Executable"));
        const std::string dynamic = readelf({"--dynamic", binary});
        CHECK(has(dynamic, "BIND_NOW"));
        CHECK(has(dynamic, "NOW PIE"));
        const std::string headers = readelf({"--program-headers", binary});
        CHECK_FALSE(segment(headers, "GNU_RELRO").empty());
        CHECK(has(segment(headers, "GNU_STACK"), " RW "));
        const std::string symbols = readelf({"--dyn-syms", binary});
        CHECK(has(symbols, " __stack_chk_fail"));
        CHECK(has(symbols, "_chk@"));  // FORTIFY's: __memcpy_chk and the like
    }
}

// The linker marks a binary for CET only where the C library's own start files are marked, too (Debian's are
// not): so what we compiled is asked.
TEST_CASE("each of the library's objects was compiled for CET and against stack clashes") {
    if (!is_release())
        return skip("this build is no release: CMAKE_BUILD_TYPE is Debug, or it has sanitizers");
    for (const char* name :
         {"/worker/libsup_worker.a", "/worker/libsup_llhttp.a", "/common/libsup_common.a"}) {
        INFO(name);
        const std::string archive = build_dir() + name;
        const std::size_t objects = count(readelf({"--file-header", archive}), "ELF Header:");
        REQUIRE(objects > 0);
#ifdef __x86_64__
        CHECK(count(readelf({"--notes", archive}), "IBT, SHSTK") == objects);
#endif
        if (!has(cached("CMAKE_CXX_COMPILER"), "clang")) {
            const std::string producers = readelf({"--string-dump=.debug_str", archive});
            CHECK(count(producers, "-fstack-clash-protection") >= objects);
            if (cached("CMAKE_BUILD_TYPE") == "RelWithDebInfo") CHECK(count(producers, " -g1 ") >= objects);
        }
    }
}

TEST_CASE("none of llhttp's names in the library is that of somebody else's llhttp") {
    const Outcome outcome = run({.argv = {"nm", "--extern-only", "--defined-only", "--format=posix",
                                          build_dir() + "/worker/libsup_llhttp.a"}});
    REQUIRE(outcome.exit_code == 0);
    CHECK(count(outcome.out, "\nsup_llhttp_") > 20);
    CHECK(count(outcome.out, "\nllhttp_") == 0);
}

}  // namespace sup::test
