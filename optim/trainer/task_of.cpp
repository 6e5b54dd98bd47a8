#include "optim/trainer/task_of.h"

#include <fmt/core.h>

#include "data/targets.h"
#include "engine/base/error.h"
#include "layers/tasks/registry.h"

namespace firn {

TaskPtr task_of(const DataInfo& info) {
  const auto width = static_cast<Index>(info.classes.size());
  for (const TaskTargets& one : task_targets()) {
    if (info.task.empty() ? one.kind != info.targets : one.task != info.task) continue;
    TaskPtr task = find_task(one.task, width, info.target_scale.mean, info.target_scale.deviation);
    if (task != nullptr && task->each_step() == info.label_each_step) return task;
  }
  throw Error(Fault::usage, "task", fmt::format("{}: no task is for what its targets are", info.name));
}

}  // namespace firn
