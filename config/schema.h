// The rules of a configuration as a JSON Schema (draft 2020-12), for editors.
#pragma once

#include <string>

namespace sup::config {

// What it refuses the parser refuses, too. The other way round it does what a schema can: it knows no ranges
// of durations, and not what must hold between values in different objects.
std::string json_schema();

}  // namespace sup::config
