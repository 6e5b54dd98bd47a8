// The loss as one weight moves.
#pragma once

#include <string>
#include <vector>

#include "tools/app/cli/console.h"
#include "tools/app/explain/step_values.h"

namespace firn::cli {

struct Nudge {
  struct Place {
    double delta = 0, weight = 0, loss = 0;
    double by_gradient = 0;  ///< what the line that the gradient promises says; NaN without one
  };
  std::string name;  ///< "fc2.weight[0,3]"
  double value = 0;
  double gradient = 0;  ///< NaN: it is frozen
  double loss = 0;      ///< where it is
  std::vector<Place> places;
  bool trains() const { return gradient == gradient; }
};

/// Between `-span` and `span` around its value, in 11 places; 0: its size, at least 0.1.
Nudge nudge(StepRun& run, const Model& model, const WeightPlace& weight, double span);

/// As a table, or as records "nudge".
void print_nudge(Console& console, const Nudge& nudge);

}  // namespace firn::cli
