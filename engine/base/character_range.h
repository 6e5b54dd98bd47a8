// Sets of characters, as sorted ranges.
#pragma once

#include <algorithm>
#include <span>

namespace firn {

struct CharacterRange {
  char32_t first, last;
};

/// Whether one of the sorted ranges holds `c`.
inline bool within(char32_t c, std::span<const CharacterRange> ranges) {
  const auto behind = std::upper_bound(ranges.begin(), ranges.end(), c,
                                       [](char32_t value, const auto& range) { return value < range.first; });
  return behind != ranges.begin() && c <= (behind - 1)->last;
}

}  // namespace firn
