#include "optim/trainer/task_of.h"

#include "layers/tasks/classification.h"

namespace firn {

TaskPtr task_of(const DataInfo& info) {
  const auto width = static_cast<Index>(info.classes.size());
  if (info.label_each_step) return std::make_shared<NextToken>(width);
  return std::make_shared<Classification>(width);
}

}  // namespace firn
