#include "config/collector.h"

#include <algorithm>
#include <utility>

namespace sup::config {
namespace {

constexpr std::size_t most_problems = 100;

}  // namespace

Collector::Collector(const SourceText& text, const std::string& file) : text_(text) {
    problems_.file = file;
}

void Collector::add(std::size_t offset, const std::string& pointer, std::string message) {
    if (full()) return omit();
    problems_.list.push_back({text_.position(offset), pointer, std::move(message)});
}

bool Collector::full() const noexcept {
    return problems_.list.size() >= most_problems;
}

bool Collector::about(std::string_view pointer) const {
    return std::ranges::any_of(problems_.list,
                               [&](const Problem& problem) { return problem.pointer == pointer; });
}

Problems Collector::take() {
    std::ranges::stable_sort(problems_.list, {}, &Problem::position);
    return std::move(problems_);
}

}  // namespace sup::config
