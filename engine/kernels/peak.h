// What the machine can do at best: the yardstick of the benchmarks.
#pragma once

#include "engine/base/real.h"

namespace firn {

/// Loops that do nothing but keep one part of the machine busy. All work on the calling thread.
struct PeakKernels {
  /// Numbers that `multiply_add` works on: enough independent ones, all in registers, that two
  /// multiply-add units never wait for a result.
  Index chains;
  /// x[i] = i + 1 for i in [0, chains); `rounds` times x[i] = x[i] * factor + summand; gives the sum of x.
  /// 2 * chains * rounds floating-point operations, memory is not touched.
  real (*multiply_add)(Index rounds, real factor, real summand);

  /// The two streams of McCalpin 1995 ("Memory bandwidth and machine balance in current high performance
  /// computers") by which bandwidth is measured. y = x: two numbers moved for each element.
  void (*copy)(Index count, const real* x, real* y);
  /// y = x1 + alpha * x2: three numbers moved for each element. What a processor reads before it writes is
  /// not counted.
  void (*triad)(Index count, real alpha, const real* x1, const real* x2, real* y);
};

}  // namespace firn
