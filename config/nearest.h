// "Did you mean …?"
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace sup::config {

// The number of letters to insert, leave out, change or swap with their neighbour to get from one word to the
// other, capitals counting as small letters.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The word that somebody who wrote `word` most likely meant; none when no known word is close
// enough. The first letters of a word, three or more, are close to it.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace sup::config
