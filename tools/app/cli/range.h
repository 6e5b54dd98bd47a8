// The numbers that an option takes, and how they are read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/real.h"

namespace firn::cli {

/// From `least` to `most`, ends included unless they are said not to be; never NaN or infinite.
struct Range {
  double least, most;
  bool above = false;  ///< more than `least`
  bool below = false;  ///< less than `most`

  bool holds(double number) const;
  /// "a whole number from 1 to 256", "a number above 0 and at most 1".
  std::string text(bool whole) const;
};

/// More of anything that is counted is a slip of the hand.
inline constexpr double kMostCount = 1e9;
/// A factor, a rate or a norm beyond it is no float.
inline constexpr double kMostNumber = 1e38;

constexpr Range at_least(double least) {
  return {.least = least, .most = kMostCount};
}
constexpr Range from_to(double least, double most) {
  return {.least = least, .most = most};
}
constexpr Range above(double least, double most = kMostNumber) {
  return {.least = least, .most = most, .above = true};
}
/// [least, most)
constexpr Range from_below(double least, double most) {
  return {.least = least, .most = most, .below = true};
}

inline constexpr Range kThreads = from_to(1, 256);
inline constexpr Range kBatch = at_least(1);
/// Of the sides of a picture.
inline constexpr Range kPixels = from_to(1, 16384);

/// Who wants a number: "train", "--batch".
struct Asked {
  std::string_view operation, option;
};

/// The number that is all of `text`. Throws Error(usage) that says what is wanted for anything else, and for
/// a number that does not fit or is out of `range`.
Index whole_in(std::string_view text, const Range& range, const Asked& asked);
double number_in(std::string_view text, const Range& range, const Asked& asked);
/// Any of 64 bits.
std::uint64_t seed_in(std::string_view text, const Asked& asked);

}  // namespace firn::cli
