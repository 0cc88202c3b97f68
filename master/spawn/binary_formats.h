// What the kernel runs with an interpreter that was registered for it (binfmt_misc): programs for another
// machine by an emulator, and formats of their own.
#pragma once

#include <string>
#include <string_view>

namespace sup {

// Whether an enabled entry matches a file by its first bytes. `folder`: where binfmt_misc is mounted.
// Entries that go by a file's extension match nothing.
bool is_registered(std::string_view start, const std::string& folder = "/proc/sys/fs/binfmt_misc");

}  // namespace sup
