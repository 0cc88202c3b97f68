// A generation's number, as people and programs read it.
#pragma once

#include <cstdint>

#include "master/core/ids.h"

namespace sup::core {

inline std::uint32_t number(GenerationId generation) {
    return static_cast<std::uint32_t>(generation);
}

}  // namespace sup::core
