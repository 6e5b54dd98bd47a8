// From here to there.
#pragma once

namespace firn::cli {

struct Interval {
  double low = 0, high = 0;
  bool above(double value) const { return low > value; }
  bool below(double value) const { return high < value; }
};

}  // namespace firn::cli
