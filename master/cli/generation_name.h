// What a generation is called, for people.
#pragma once

#include <cstdint>
#include <string>

namespace sup::cli {

inline std::string name_of(std::uint32_t generation) {
    return "generation " + std::to_string(generation);
}

}  // namespace sup::cli
