#include "tests/bench/load/deadlines.h"

namespace sup::bench {

Deadlines::Deadlines(std::size_t clients, Span delay) : delay_(delay), links_(clients + 1) {
    for (std::uint32_t i = 0; i < links_.size(); ++i) links_[i] = {i, i, Time{}};
}

void Deadlines::arm(std::uint32_t client, Time from) noexcept {
    cancel(client);
    const std::uint32_t last = links_[end()].before;
    links_[client] = {last, end(), from + delay_};
    links_[last].after = client;
    links_[end()].before = client;
}

void Deadlines::cancel(std::uint32_t client) noexcept {
    Link& link = links_[client];
    links_[link.before].after = link.after;
    links_[link.after].before = link.before;
    link.before = link.after = client;
}

std::optional<Time> Deadlines::next() const noexcept {
    const std::uint32_t first = links_[end()].after;
    if (first == end()) return std::nullopt;
    return links_[first].due;
}

std::optional<std::uint32_t> Deadlines::pop(Time now) noexcept {
    const std::uint32_t first = links_[end()].after;
    if (first == end() || links_[first].due > now) return std::nullopt;
    cancel(first);
    return first;
}

}  // namespace sup::bench
