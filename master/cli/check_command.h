// `sup check CONFIG`: validates everything, touches nothing.
#pragma once

#include <iosfwd>
#include <string>

namespace sup::cli {

// Problems go to `err`, one a line as a compiler writes them ("FILE:LINE:COLUMN: POINTER: MESSAGE"), notes
// likewise; a short summary of a good configuration goes to `out`. Returns the exit code: 0, or 2 when a
// start with this configuration would fail.
int check_command(const std::string& config_path, std::ostream& out, std::ostream& err);

}  // namespace sup::cli
