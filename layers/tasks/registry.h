// Tasks by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "layers/task.h"

namespace firn {

struct TaskEntry {
  std::string_view name;  ///< `Task::name`
  /// For answers of so many numbers; `mean` and `deviation` of each target where the task scales them, or
  /// none.
  TaskPtr (*make)(Index width, const std::vector<double>& mean, const std::vector<double>& deviation);
};

const std::vector<TaskEntry>& task_registry();

/// Whether it answers with numbers in the units of the targets, which it may scale; false for no task's name.
bool answers_with_numbers(std::string_view name);

/// The names of those with one answer a sample.
std::vector<std::string> task_names();

/// The task of that name; null where there is none.
TaskPtr find_task(std::string_view name, Index width, const std::vector<double>& mean = {},
                  const std::vector<double>& deviation = {});

}  // namespace firn
