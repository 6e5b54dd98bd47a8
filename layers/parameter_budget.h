// How many numbers the layers that are made may hold: for models whose sizes a file says.
#pragma once

#include "engine/base/real.h"

namespace firn {

/// While it lives, layers that this thread makes hold at most `numbers` numbers together: before one beyond
/// is allocated, Error(model_file) is thrown. The innermost one counts.
class ParameterBudget {
 public:
  explicit ParameterBudget(Index numbers);
  ~ParameterBudget();
  ParameterBudget(const ParameterBudget&) = delete;
  ParameterBudget& operator=(const ParameterBudget&) = delete;

  /// What a layer says before it allocates so many numbers.
  static void take(Index numbers);

 private:
  Index left_;
  ParameterBudget* outer_;
};

}  // namespace firn
