// Numbers of 16 bits: the upper half of a float (sign, 8 bits of exponent, 7 of fraction).
#pragma once

#include "engine/kernels/matrix_unit.h"

namespace firn {

/// Conversions. To bf16 a number goes to the nearest one, of two the even one; beyond the greatest to
/// infinity; NaN stays a (quiet) NaN. A subnormal number stays what it is. `narrow` and `widen` do not work
/// in place.
struct Bf16Kernels {
  void (*narrow)(Index count, const real* x, Bf16* y);
  void (*widen)(Index count, const Bf16* x, real* y);
  /// y = x to the nearest bf16; in place where y = x.
  void (*round)(Index count, const real* x, real* y);
};

}  // namespace firn
