// One life of an instance, from one seed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sup::shell {

struct Lived {
    std::uint64_t steps = 0;
    std::uint64_t clients = 0;  // served
    std::uint64_t story = 0;    // a hash of all that was told
};

// `folder` is empty, and is again afterwards. Ends the program when a promise is broken.
Lived live(std::uint64_t seed, const std::string& folder,
           const std::function<void(const std::string&)>& trace);

}  // namespace sup::shell
