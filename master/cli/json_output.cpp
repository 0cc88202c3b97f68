#include "master/cli/json_output.h"

#include <nlohmann/json.hpp>

#include "master/cli/terminal.h"

namespace sup::cli {

void print_json(const nlohmann::json& value) {
    print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace sup::cli
