// For tests that the machine, or the user, cannot run.
#pragma once

#include <string>

namespace sup::test {

// Return after it. ctest shows the test as skipped, with the reason, unless an assertion has failed.
void skip(const std::string& reason);

}  // namespace sup::test
