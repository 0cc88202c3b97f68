#pragma once

#include <cstddef>
#include <fstream>
#include <string>

namespace sup::test {

// Of this process's memory.
inline std::size_t resident_kib() {
    std::ifstream status("/proc/self/status");
    std::string word;
    std::size_t kib = 0;
    while (status >> word) {
        if (word == "VmRSS:") status >> kib;
    }
    return kib;
}

}  // namespace sup::test
