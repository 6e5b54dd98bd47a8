// When each kernel call of a program began and ended, and on which thread: what trace viewers draw.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/seconds.h"
#include "engine/graph/graph.h"
#include "engine/program/plan.h"

namespace firn {

/// Filled by the runs of all programs that are given it (`ProgramOptions::trace`), until it holds as many
/// runs as it wants: the first ones, or those behind `skip` others. Programs that share one run one after the
/// other. Recording allocates.
class StepTrace {
 public:
  struct Label {
    std::string layer, operation;  ///< "conv1", "conv2d 3x3 32->64"
    int block = -1;
    Pass pass = Pass::forward;
  };
  struct Event {
    std::size_t label;
    Index slice, task;
    double begin, end;  ///< seconds since the trace was made
  };

  explicit StepTrace(Index runs = 8, Index skip = 0);

  /// Tells the steps of a plan; the number of the first of their labels.
  std::size_t introduce(const std::vector<Step>& steps);
  /// Whether the run that begins now is recorded, on so many threads.
  bool begin_run(int threads);
  void add(int thread, std::size_t label, Index slice, Index task, double begin, double end);

  const std::vector<Label>& labels() const { return labels_; }
  /// A thread each, in the order of time.
  const std::vector<std::vector<Event>>& events() const { return events_; }
  Index runs() const { return recorded_; }

 private:
  double begin_ = seconds_now();
  Index wanted_, skip_, recorded_ = 0;
  std::vector<Label> labels_;
  std::vector<std::vector<Event>> events_;
};

}  // namespace firn
