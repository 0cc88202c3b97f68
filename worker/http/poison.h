// Memory that is kept for later: AddressSanitizer reports any use of it in the meantime.
#pragma once

#include <cstddef>
#include <span>

#if defined(__SANITIZE_ADDRESS__)
#define SUP_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SUP_ADDRESS_SANITIZER
#endif
#endif

#ifdef SUP_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace sup::http {

inline void poison([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t size) {
#ifdef SUP_ADDRESS_SANITIZER
    __asan_poison_memory_region(memory, size);
#endif
}

inline void unpoison([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t size) {
#ifdef SUP_ADDRESS_SANITIZER
    __asan_unpoison_memory_region(memory, size);
#endif
}

// Poisoned memory that may be used in this scope.
class Usable {
public:
    explicit Usable(std::span<const char> memory) : memory_(memory) {
        unpoison(memory_.data(), memory_.size());
    }
    ~Usable() { poison(memory_.data(), memory_.size()); }
    Usable(const Usable&) = delete;
    Usable& operator=(const Usable&) = delete;

private:
    std::span<const char> memory_;
};

}  // namespace sup::http
