#pragma once

#include <sys/stat.h>

#include <string>

#include "tests/catch.h"

namespace sup::test {

// Of the file itself, not of what a link leads to.
inline mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

}  // namespace sup::test
