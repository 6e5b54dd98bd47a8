// Times and what becomes of them: medians, quartiles, the machine's peak.
#pragma once

#include <functional>
#include <vector>

#include "engine/base/parallel.h"
#include "engine/kernels/kernels.h"
#include "engine/tensor/tensor.h"

namespace firn::cli {

/// A quarter of the values lies below `low`, half below `median`, a quarter above `high`; between two
/// values straight lines.
struct Quartiles {
  double low = 0, median = 0, high = 0;
};
/// Requires at least one value.
Quartiles quartiles(std::vector<double> values);

/// Seconds of one call, of samples that take at least 0.2 ms (several calls where one is shorter): after a
/// warm-up, at least five of them, for `seconds`.
Quartiles time_calls(double seconds, const std::function<void()>& call);

/// Median of the times of single calls in milliseconds, after two to warm up: at least five, for `seconds`.
double median_ms(double seconds, const std::function<void()>& call, Index* runs = nullptr);

/// Seconds that this thread has computed: what others do on its core does not count.
double thread_seconds();
/// Median of the times of single calls in seconds, after two to warm up: at least five, for `seconds`. With
/// one thread its own time counts, with several the time on the clock.
double median_own_seconds(double seconds, int threads, const std::function<void()>& call);

/// GFLOP/s of `PeakKernels::multiply_add` on `threads` threads at once, the median over `seconds`.
double multiply_add_rate(const Kernels& kernels, int threads, double seconds);

/// Memory far beyond the second-level cache, to stream over.
class Streams {
 public:
  /// Three arrays, each of 64 MiB or of 32 second-level caches if that is more.
  Streams();
  Index bytes() const { return y_.bytes(); }

  /// GB/s (10^9 bytes) on `threads` threads at once, medians over `seconds`; bytes as STREAM counts them.
  double copy_rate(const Kernels& kernels, int threads, double seconds);
  double triad_rate(const Kernels& kernels, int threads, double seconds);

 private:
  Tensor x1_, x2_, y_;
};

}  // namespace firn::cli
