// Which blocks to freeze: the cost of every cut, predicted, and what those come to that were trained as the
// command would train them.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tools/app/advise/trial.h"
#include "tools/app/cli/interval.h"
#include "tools/app/cost/linear_probe.h"
#include "tools/app/cost/machine.h"
#include "tools/app/run/session.h"

namespace firn::cli {

struct AdviceOptions {
  double time = std::numeric_limits<double>::infinity();    ///< seconds for trials and training together
  double memory = std::numeric_limits<double>::infinity();  ///< resident bytes
  double accuracy = 0;                                      ///< that is wanted; 0: the best
  double reading = 0;                                       ///< seconds that opening model and data took
  double probe_time = 60;  ///< seconds for trials, without the measuring of kernels; of `time` at most half
  TrialChoice trial;       ///< how the command trains
  std::function<void()> each =
      {};  ///< called after each step of a trial and before each measurement; may throw
};

/// Freezing the first `frozen` blocks.
struct CutAdvice {
  enum class Known {
    trained,  ///< as the command would, to the end
    between,  ///< not, but one with fewer and one with more frozen blocks were
    unknown
  };
  Index frozen = 0;
  TrainingCost cost;   ///< predicted
  double seconds = 0;  ///< of the training: as it was, or predicted
  double whole = 0;    ///< of the command: reading, training, the test part
  Index epochs = 0;    ///< of the command for it
  double linear = -1;  ///< a linear classifier on means of what the frozen blocks give; -1: not known
  Known known = Known::unknown;
  double accuracy = -1;    ///< on the validation part; -1: not known
  Interval interval = {};  ///< 95 %, in which the test part's accuracy is to be expected
  bool fits = false;       ///< in time and memory
};

struct Advice {
  std::vector<CutAdvice> cuts;
  Index chosen = -1;  ///< number of frozen blocks; -1: no cut fits
  std::string reason;
  double probe_seconds = 0;  ///< that all of this took
  Index validation = 0;      ///< samples that the accuracies are of
};

/// Trains cuts on copies of the session's model, whose weights stay as they are; `note` hears what is being
/// done. First every cut's cost is predicted, then, where that takes a tenth of the time at most, linear
/// probes say what each block's features are worth; then cuts are trained to the end, the cheapest first,
/// spread as evenly over all that the time for trials allows, as many as it allows. Chosen is the cheapest of
/// those trained whose accuracy is at most one standard error, and two points, below the best of them. Of
/// what was not trained the accuracy lies between two that were, or is unknown, and the reason says so; it is
/// chosen, the cheapest that fits, only where nothing could be trained.
Advice advise(const Session& session, const AdviceOptions& options, Machine& machine,
              const std::function<void(const std::string&)>& note);

}  // namespace firn::cli
