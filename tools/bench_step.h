// Training steps of the reference models, timed: the rows to hold against a peer's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/real.h"

namespace firn::cli {

struct StepBenchmark {
  std::vector<std::string> models{"mlp", "cnn", "vgg", "resnet20", "lstm", "lstm2"};
  std::vector<std::string> freezes{"0", "half", "head", "all"};
  int threads = 0;     ///< 0: as many as there are cores
  Index batch = 0;     ///< 0: each model's usual one
  bool exact = false;  ///< direct convolutions only
  double seconds = 2;  ///< measured for each row, at least five steps
};

/// One row. A step is forward, softmax cross-entropy, backward and one SGD update (momentum 0.9) of what
/// trains; with everything frozen a forward pass alone. Milliseconds are medians.
struct StepRow {
  std::string model, freeze;
  Index batch = 0;
  int threads = 0;
  double step_ms = 0, forward_ms = 0;
  Index runs = 0;
  double rss_mb = 0;  ///< greatest resident memory of the process so far
  Index arena_bytes = 0;
  Index kernels = 0;
};

/// Measures row by row, on random data; `on_row` sees each as soon as it is there. Throws Error(usage) for
/// unknown names.
void bench_step(const StepBenchmark& benchmark, const std::function<void(const StepRow&)>& on_row);

/// Median of the times of `call` in milliseconds, after two calls to warm up: at least five, for `seconds`.
double median_ms(double seconds, const std::function<void()>& call, Index* runs = nullptr);

}  // namespace firn::cli
