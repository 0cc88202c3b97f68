// Of symbolic links on one way.
#pragma once

namespace sup {

inline constexpr int most_links = 40;  // as the kernel has it (path_resolution(7))

}  // namespace sup
