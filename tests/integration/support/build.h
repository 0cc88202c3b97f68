// What the build gives to the tests: where the binaries are, and how they were built.
#pragma once

#include <string>

#include "tests/sanitized.h"
#include "tests/skip.h"

namespace sup::test {

std::string sup_binary();
std::string hello_worker();     // version "1" of the example worker
std::string hello_worker_v2();  // the same source with another version string
std::string load_generator();   // the benchmark's
std::string examples_dir();     // of the worker library's examples
std::string source_dir();
std::string build_dir();
std::string compiler();

// Absolute paths; empty where the machine does not have the program.
std::string python();
std::string strace();
std::string unshare();

}  // namespace sup::test
