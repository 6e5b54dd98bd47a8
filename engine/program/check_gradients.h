// Gradients held against differences of the loss, for rules that somebody has written.
#pragma once

#include <string>

#include "engine/program/program.h"

namespace firn {

/// The number of a parameter whose gradient and slope are farthest apart.
struct GradientCheck {
  /// |gradient - slope|, over the largest gradient or slope seen of that parameter, or over a ten-thousandth
  /// of the largest seen of all where that is more.
  double error = 0;
  std::string parameter = {};
  Index element = 0;  ///< of the parameter in memory
  double gradient = 0;
  double slope = 0;  ///< (loss(x + by) - loss(x - by)) / (2 by)
};

/// Of each parameter that trains up to `elements` numbers, evenly spaced, are moved by `by` both ways and put
/// back; running statistics move as in any run. `step` is a training step, fed, whose loss is its output
/// "loss". Numbers are floats: of a right rule the error is about 1e-3 or less away from kinks, of a wrong
/// one near 1. What an input's gradient is worth is seen where the input is a parameter. Throws Error(usage)
/// for a program that is no training step.
GradientCheck check_gradients(Program& step, Index elements = 20, double by = 1e-2);

}  // namespace firn
