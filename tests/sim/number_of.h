// An id as a plain number.
#pragma once

#include <cstdint>

namespace sup::sim {

template <typename Id>
std::uint64_t number_of(Id id) {
    return static_cast<std::uint64_t>(id);
}

}  // namespace sup::sim
