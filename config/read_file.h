// A configuration file's bytes.
#pragma once

#include <string>

#include "common/result.h"

namespace sup::config {

// Fails with words about the file (not naming it) when it cannot be opened, is no regular file, or is larger
// than load.h allows. Never blocks on a FIFO.
Result<std::string> read_file(const std::string& path);

}  // namespace sup::config
