// Whether the tests are built with AddressSanitizer: slow processes, and memory figures that say nothing, as it
// keeps what was freed for a while.
#pragma once

namespace sup::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace sup::test
