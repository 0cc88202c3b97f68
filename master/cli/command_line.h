// The whole of `sup`'s command line: parses, runs one command, returns its exit code.
#pragma once

namespace sup::cli {

// Never throws. Errors go to stderr, prefixed "sup: ".
int run_command_line(int argc, char** argv);

}  // namespace sup::cli
