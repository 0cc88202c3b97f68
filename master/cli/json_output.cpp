#include "master/cli/json_output.h"

#include <nlohmann/json.hpp>

#include "common/safe_text.h"
#include "master/cli/terminal.h"

namespace sup::cli {

bool print_json(std::string_view json) {
    const auto value = nlohmann::json::parse(json);
    return print(safe_json(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace)) + "\n");
}

}  // namespace sup::cli
