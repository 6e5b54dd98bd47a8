// Times single steps of programs outside of them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/program/reuse.h"

namespace firn {

/// The median of samples, each the seconds of one of `calls` calls that it made: as many as take 5 ms
/// together, at least 11, but at least 5 where these take longer than 50 ms. A thousand are the most: what
/// the clock cannot tell from nothing, or finds to take less than reading it, would never add up.
double sampled_seconds(Index calls, const std::function<double()>& sample);

/// Keeps the memory that it measures in from step to step.
class StepTimer {
 public:
  explicit StepTimer(int threads);
  ~StepTimer();
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

  /// Seconds of a call of the step (a slice of the batch, or the mean of its tasks) on one of the threads,
  /// while the others do the same: see `forecast`.
  double measure(const Program& program, const Step& step, const Reuse& reuse);

 private:
  class Bench;
  std::vector<std::unique_ptr<Bench>> benches_;
};

}  // namespace firn
