// What trains of a tensor that trains in part: ranges of places along one axis.
#pragma once

#include <string>
#include <vector>

#include "engine/tensor/shape.h"

namespace firn {

/// The places [first, last) of an axis.
struct UnitRange {
  Index first = 0, last = 0;
  friend auto operator<=>(const UnitRange&, const UnitRange&) = default;
};

/// The same places sorted, without overlap, ranges that touch made one. Requires 0 <= first <= last.
std::vector<UnitRange> sorted_ranges(std::vector<UnitRange> ranges);
/// Of [0, size) what is in none of the sorted `ranges`.
std::vector<UnitRange> complement(const std::vector<UnitRange>& ranges, Index size);
Index places_in(const std::vector<UnitRange>& ranges);
/// "0:16+32:48"
std::string text_of(const std::vector<UnitRange>& ranges);

/// The places of `axis` that train, sorted ranges. What is computed and kept for them is compact: a tensor
/// of the whole one's shape with as many places along the axis as train.
struct TrainableRanges {
  int axis = 0;
  std::vector<UnitRange> ranges;

  Index count() const { return places_in(ranges); }
  /// The compact shape.
  Shape shape_in(const Shape& whole) const { return whole.with(axis, count()); }
  friend bool operator==(const TrainableRanges&, const TrainableRanges&) = default;
};

/// Calls f(at, place, count) for the elements of the compact tensor from `first` on, `size` of them, in
/// pieces that lie together: `count` elements from `at` of the compact tensor are those from `place` of the
/// whole one. What `trains` is none of (null) is one piece.
template <class F>
void for_each_trainable(const TrainableRanges* trains, const Shape& whole, Index first, Index size,
                        const F& f) {
  if (size <= 0) return;
  if (trains == nullptr) return f(first, first, size);
  const Index inner = whole.count_from(trains->axis + 1), row = whole[trains->axis] * inner;
  const Index compact_row = trains->count() * inner, end = first + size;
  for (Index outer = first / compact_row; outer * compact_row < end; ++outer) {
    Index at = outer * compact_row;
    for (const UnitRange& range : trains->ranges) {
      const Index count = (range.last - range.first) * inner;
      const Index begin = at > first ? at : first, stop = at + count < end ? at + count : end;
      if (begin < stop) f(begin, outer * row + range.first * inner + begin - at, stop - begin);
      at += count;
    }
  }
}

}  // namespace firn
