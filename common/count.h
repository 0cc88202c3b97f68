// How many of something, for people.
#pragma once

#include <concepts>
#include <string>

namespace sup {

// "1 worker", "2 workers": of a word that takes an s.
template <std::integral Count>
std::string counted(Count count, const std::string& word) {
    return std::to_string(count) + ' ' + word + (count == 1 ? "" : "s");
}

}  // namespace sup
