#include "layers/tasks/registry.h"

#include "layers/tasks/classification.h"
#include "layers/tasks/regression.h"
#include "layers/tasks/several_labels.h"

namespace firn {

namespace {

using Numbers = const std::vector<double>&;

template <class T>
TaskPtr of_width(Index width, Numbers, Numbers) {
  return std::make_shared<T>(width);
}

}  // namespace

const std::vector<TaskEntry>& task_registry() {
  static const std::vector<TaskEntry> all = {
      {"classification", of_width<Classification>},
      {"regression",
       [](Index width, Numbers mean, Numbers deviation) -> TaskPtr {
         return std::make_shared<Regression>(width, mean, deviation);
       }},
      {"labels", of_width<SeveralLabels>},
      {"next-token", of_width<NextToken>},
  };
  return all;
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const TaskEntry& entry : task_registry()) {
    if (!entry.make(1, {}, {})->each_step()) names.emplace_back(entry.name);
  }
  return names;
}

bool answers_with_numbers(std::string_view name) {
  const TaskPtr task = find_task(name, 1);
  return task != nullptr && task->answer_name() == "value";
}

TaskPtr find_task(std::string_view name, Index width, const std::vector<double>& mean,
                  const std::vector<double>& deviation) {
  for (const TaskEntry& entry : task_registry()) {
    if (entry.name == name) return entry.make(width, mean, deviation);
  }
  return nullptr;
}

}  // namespace firn
