// A request's head for as long as its exchange: handlers keep views into it, while the buffer that it came in
// serves others.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace sup::http {

class KeptHead {
public:
    KeptHead() = default;
    ~KeptHead() { forget(); }
    KeptHead(const KeptHead&) = delete;
    KeptHead& operator=(const KeptHead&) = delete;

    // The views into the copy are valid until let_go(), or the next one.
    void keep(std::string_view head);
    const char* bytes() const { return memory_.get(); }

    // Nobody looks at it any longer. The memory is kept for the next one, unless it is unusually large.
    void let_go();

private:
    static constexpr std::size_t first_capacity = 512;
    static constexpr std::size_t largest_kept = 8 * 1024UL;

    void forget();

    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
};

}  // namespace sup::http
