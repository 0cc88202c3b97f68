// What a property was before sup changed it, so that sup can undo that, and nothing else.
#pragma once

#include <optional>
#include <utility>

namespace sup {

template <typename T>
class Original {
public:
    // What to set, given what is wanted and what is set now. If nothing is wanted: what was set before
    // anything was wanted.
    T next(const std::optional<T>& wanted, T now) {
        if (!wanted) return std::exchange(before_, std::nullopt).value_or(now);
        if (!before_) before_ = now;
        return *wanted;
    }

private:
    std::optional<T> before_;
};

}  // namespace sup
