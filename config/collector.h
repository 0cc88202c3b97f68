// Where the problems of one text are gathered while it is read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/problem.h"
#include "config/source_text.h"

namespace sup::config {

class Collector {
public:
    // Both are borrowed for the collector's life.
    Collector(const SourceText& text, const std::string& file);

    // Message after message; those above a bound are only counted.
    void add(std::size_t offset, const std::string& pointer, std::string message);
    // Whether the bound is reached, so that words would be wasted; and to count a problem without any.
    bool full() const noexcept;
    void omit() noexcept { ++problems_.omitted; }

    bool empty() const noexcept { return problems_.list.empty(); }
    // Whether a problem with exactly this pointer was added.
    bool about(std::string_view pointer) const;
    // SourceText's.
    std::size_t offset_in_string(std::size_t quote, std::size_t at) const {
        return text_.offset_in_string(quote, at);
    }
    Position position(std::size_t offset) const { return text_.position(offset); }

    // In the order of the text.
    Problems take();

private:
    const SourceText& text_;
    Problems problems_;
};

}  // namespace sup::config
