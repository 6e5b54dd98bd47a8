#include "optim/trainer/task_of.h"

#include "layers/tasks/classification.h"
#include "layers/tasks/regression.h"
#include "layers/tasks/several_labels.h"

namespace firn {

TaskPtr task_of(const DataInfo& info) {
  const auto width = static_cast<Index>(info.classes.size());
  if (info.targets == TargetKind::labels) return std::make_shared<SeveralLabels>(width);
  if (info.targets == TargetKind::numbers)
    return std::make_shared<Regression>(width, info.target_scale.mean, info.target_scale.deviation);
  if (info.label_each_step) return std::make_shared<NextToken>(width);
  return std::make_shared<Classification>(width);
}

}  // namespace firn
