#include "engine/graph/trainable_ranges.h"

#include <fmt/core.h>

namespace firn {

std::vector<UnitRange> sorted_ranges(std::vector<UnitRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<UnitRange> result;
  for (const UnitRange& range : ranges) {
    if (range.first == range.last) continue;
    if (!result.empty() && range.first <= result.back().last) {
      result.back().last = std::max(result.back().last, range.last);
    } else {
      result.push_back(range);
    }
  }
  return result;
}

std::vector<UnitRange> complement(const std::vector<UnitRange>& ranges, Index size) {
  std::vector<UnitRange> result;
  Index at = 0;
  for (const UnitRange& range : ranges) {
    if (at < range.first) result.push_back({at, range.first});
    at = range.last;
  }
  if (at < size) result.push_back({at, size});
  return result;
}

Index places_in(const std::vector<UnitRange>& ranges) {
  Index count = 0;
  for (const UnitRange& range : ranges) count += range.last - range.first;
  return count;
}

std::string text_of(const std::vector<UnitRange>& ranges) {
  std::string text;
  for (const UnitRange& range : ranges) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : "+", range.first, range.last);
  }
  return text;
}

}  // namespace firn
