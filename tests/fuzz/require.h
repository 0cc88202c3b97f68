// What a fuzz target promises about every input; a broken promise ends the program, as libFuzzer expects.
#pragma once

#include <cstdio>
#include <cstdlib>

inline void require(bool promise, const char* what) {
    if (promise) return;
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
}
