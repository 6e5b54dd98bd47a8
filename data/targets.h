// Targets that are not one class: numbers, and several labels at once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// The samples of `data` with these targets, a row of names.size() values for each. Throws Error(usage) where
/// counts do not fit, for a value that is not finite and for a label that is neither 0 nor 1.
DatasetPtr with_targets(DatasetPtr data, TargetKind kind, std::vector<std::string> names,
                        std::vector<double> values);

/// `make_numbers` with targets instead of classes, which are `info.targets`, named by `info.classes`: a row
/// of as many values for each sample. Throws Error(usage) as both do.
DatasetPtr make_numbers_with_targets(DataInfo info, std::vector<float> values, std::vector<double> targets);

/// Mean and deviation of each column of targets; of one that never changes the deviation is 1.
TargetScale target_scale_of(const Dataset& data);
/// The same set, its targets prepared by `scale` (`DataInfo::target_scale`).
DatasetPtr with_target_scale(DatasetPtr data, TargetScale scale);

/// The targets in other places: column c becomes column place[c] of `names`; those that nothing becomes are
/// 0.
DatasetPtr with_target_places(DatasetPtr data, std::vector<std::string> names, std::vector<Index> place);

/// A set whose classes are lists of names, "red;round" or "red|round": several labels, sorted by name. An
/// empty name is no label. Throws Error(data) where no class names any.
DataParts with_several_labels(DataParts parts);
/// A set whose classes are numbers: those are its targets, called `name`. Throws Error(data) for another
/// class.
DataParts with_numbers(DataParts parts, const std::string& name);

/// A task's name, and what its targets are.
struct TaskTargets {
  std::string_view task;
  TargetKind kind;
};
/// All tasks that can be asked for. The first of a kind is what is meant where none is named.
std::span<const TaskTargets> task_targets();
/// Throws Error(usage) for no task's name.
TargetKind target_kind_of(std::string_view task);
/// What is asked for, by `DataOptions::task`: classes where nothing is said.
TargetKind target_kind_of(const DataOptions& options);

/// Applies what can be done to any set behind its reader: classes become labels or numbers where the task of
/// `options` wants that. Throws Error(usage) where the set cannot have such targets.
DataParts take_targets(DataParts parts, const DataOptions& options);
/// Numbers get the scale of `options`, or of the training part.
DataParts scale_targets(DataParts parts, const DataOptions& options);
/// Names the task that is asked for (`DataInfo::task`), unless it is the first of all or the next token.
DataParts name_task(DataParts parts, const DataOptions& options);

}  // namespace firn
