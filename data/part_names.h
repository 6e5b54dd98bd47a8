// What files and folders call the parts of a set.
#pragma once

#include <optional>
#include <string_view>

#include "data/dataset.h"

namespace firn {

enum class SetPart { train, validation, test };

/// The part that `name` stands for, in letters of either case: train, training; val, valid, validation, dev;
/// test, testing.
std::optional<SetPart> part_named(std::string_view name);

/// "train", "validation", "test".
std::string_view part_name(SetPart part);

/// Its place in a set.
DatasetPtr& part_of(DataParts& parts, SetPart part);

}  // namespace firn
