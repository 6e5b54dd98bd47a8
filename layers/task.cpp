#include "layers/task.h"

#include <fmt/core.h>

#include "engine/base/error.h"

namespace firn {

double Evaluation::macro_f1() const {
  double total = 0;
  Index seen = 0;
  for (Index c = 0; c < classes; ++c) {
    Index truly = 0;
    Index said = 0;
    for (Index other = 0; other < classes; ++other) {
      truly += confusion[static_cast<std::size_t>(c * classes + other)];
      said += confusion[static_cast<std::size_t>(other * classes + c)];
    }
    if (truly == 0) continue;
    ++seen;
    total += 2.0 * static_cast<double>(confusion[static_cast<std::size_t>(c * classes + c)]) /
             static_cast<double>(truly + said);
  }
  return seen > 0 ? total / static_cast<double>(seen) : 0;
}

double Task::merit(double, std::span<const double> metrics) const {
  return metrics.empty() ? 0 : metrics.front();
}

void Task::require_width(const Shape& output) const {
  if (output.rank() >= 2 && output[-1] == width()) return;
  throw Error(Fault::usage, std::string(name()),
              fmt::format("the model's output is {}, the task wants rows of {}", output.text(), width()));
}

void Task::require_no_options(const LossOptions& options) const {
  if (!options.any()) return;
  throw Error(Fault::usage, std::string(name()),
              options.class_weights.empty() ? "label smoothing is for classes, of which each sample has one"
                                            : "class weights are for classes, of which each sample has one");
}

}  // namespace firn
