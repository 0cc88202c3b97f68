#include "tests/integration/support/build.h"

namespace sup::test {

std::string sup_binary() {
    return SUP_TEST_SUP;
}
std::string hello_worker() {
    return SUP_TEST_HELLO_WORKER;
}
std::string hello_worker_v2() {
    return SUP_TEST_HELLO_WORKER_V2;
}
std::string load_generator() {
    return SUP_TEST_LOAD_GENERATOR;
}
std::string examples_dir() {
    return SUP_TEST_EXAMPLES_DIR;
}
std::string source_dir() {
    return SUP_TEST_SOURCE_DIR;
}
std::string build_dir() {
    return SUP_TEST_BUILD_DIR;
}
std::string compiler() {
    return SUP_TEST_COMPILER;
}
std::string python() {
    return SUP_TEST_PYTHON;
}
std::string strace() {
    return SUP_TEST_STRACE;
}
std::string unshare() {
    return SUP_TEST_UNSHARE;
}

}  // namespace sup::test
