#include "layers/parameter_budget.h"

#include <fmt/core.h>

#include "engine/base/error.h"

namespace firn {

namespace {

thread_local ParameterBudget* innermost = nullptr;

}  // namespace

ParameterBudget::ParameterBudget(Index numbers) : left_(numbers), outer_(innermost) {
  innermost = this;
}

ParameterBudget::~ParameterBudget() {
  innermost = outer_;
}

void ParameterBudget::take(Index numbers) {
  if (innermost == nullptr) return;
  if (numbers > innermost->left_) {
    throw Error(Fault::model_file, "model",
                fmt::format("a layer of {} numbers is more than the weights can hold", numbers));
  }
  innermost->left_ -= numbers;
}

}  // namespace firn
