// The example worker, of whichever version.
#pragma once

#include <string>

namespace sup::hello {

// To its end; returns the exit code. `version`: what it answers with, if --version-string says nothing else.
int run(int argc, char** argv, const std::string& version);

}  // namespace sup::hello
