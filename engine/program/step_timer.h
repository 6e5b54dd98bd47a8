// Times single steps of programs outside of them.
#pragma once

#include <memory>
#include <vector>

#include "engine/program/reuse.h"

namespace firn {

/// Keeps the memory that it measures in from step to step.
class StepTimer {
 public:
  explicit StepTimer(int threads);
  ~StepTimer();
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

  /// Seconds of a call of the step (a slice of the batch, or the mean of its units) on one of the threads,
  /// while the others do the same: see `forecast`.
  double measure(const Program& program, const Step& step, const Reuse& reuse);

 private:
  class Bench;
  std::vector<std::unique_ptr<Bench>> benches_;
};

}  // namespace firn
