// Which blocks to freeze: the cost of every cut, predicted, and after short probes the accuracy to expect.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tools/linear_probe.h"
#include "tools/machine.h"
#include "tools/session.h"
#include "tools/training.h"

namespace firn::cli {

struct AdviceOptions {
  double time = std::numeric_limits<double>::infinity();    ///< seconds for probes and training together
  double memory = std::numeric_limits<double>::infinity();  ///< resident bytes
  double accuracy = 0;                                      ///< that is wanted; 0: the best
  double probe_time = 20;  ///< seconds, the measuring of kernels with them; of `time` at most a third
  Index batch = 64;
  TrainingChoice training;  ///< what the cuts are to be trained with, resolved
  ProgramSettings program;
};

/// Freezing the first `frozen` blocks.
struct CutAdvice {
  Index frozen = 0;
  double step_seconds = 0, train_seconds = 0;  ///< predicted, of a step and of the training asked for
  double bytes = 0;                            ///< resident, predicted
  double linear = -1;  ///< accuracy of a linear classifier on what the frozen blocks give; -1: not known
  double relative_gradient = 0;         ///< norm2(g)/norm2(W) of the last frozen block, 0 for none
  std::vector<double> accuracies = {};  ///< on held-out samples after `steps` steps, one a seed
  Index steps = 0;
  double mean = -1;        ///< of them; -1: not tried
  Interval interval = {};  ///< 95 %, of the samples, widened by what seeds differ
  bool fits = false;       ///< in time and memory
  bool front = false;      ///< of those that were tried none is better in time, memory and accuracy at once
};

struct Advice {
  std::vector<CutAdvice> cuts;
  Index chosen = -1;  ///< number of frozen blocks; -1: no cut fits
  std::string reason;
  double probe_seconds = 0;  ///< that all of this took
  Index held_out = 0;        ///< samples of the training part that nothing was trained on
  Index train_steps = 0;     ///< of the training asked for
};

/// Tries cuts on copies of the session's model, whose weights stay as they are; `note` hears what is being
/// done. Linear probes on every block's output (means over places or steps), the relative gradients of
/// Auto-RGN (Lee 2023) over five batches, and runs of at most 300 steps of the cuts that fit, each as long,
/// as many as fit into the time for probes. It ends when that time is over; the last kernel's measurement or
/// step may end later.
Advice advise(const Session& session, const AdviceOptions& options, Machine& machine,
              const std::function<void(const std::string&)>& note);

/// "30s", "500ms", "2m", "1h": seconds. Throws Error(usage) naming `what`.
double parse_duration(const std::string& text, const std::string& what);

}  // namespace firn::cli
