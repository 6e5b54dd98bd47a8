// From here to there.
#pragma once

#include "engine/base/real.h"

namespace firn::cli {

struct Interval {
  double low = 0, high = 0;
  bool above(double value) const { return low > value; }
  bool below(double value) const { return high < value; }
};

/// 95 % interval of a share that was seen on n samples (Wilson 1927); 0 to 1 for none.
Interval wilson_interval(double share, Index n);

}  // namespace firn::cli
