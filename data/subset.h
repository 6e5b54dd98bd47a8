// Parts of a dataset, as views of it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace firn {

/// The samples at `indices`, in that order. Throws Error(usage) on an index that is none.
DatasetPtr subset(DatasetPtr data, std::vector<Index> indices);

/// The samples of the given classes, in the order of the set. With `relabel` the classes are counted anew in
/// the order given, and only they are in `info().classes`. Throws Error(usage) on an unknown or repeated
/// class.
DatasetPtr subset_classes(DatasetPtr data, std::span<const std::int32_t> classes, bool relabel);

/// n samples of each class (all of a class that has fewer), drawn by `seed`; the order of the set is kept.
/// For one seed a larger n contains a smaller one, so that learning curves differ by what was added alone.
DatasetPtr subset_per_class(DatasetPtr data, Index n, std::uint64_t seed);

/// What `DataInfo::notes` says of the split below.
constexpr std::string_view kEveryFifth = "every fifth sample of a class is test";

/// Every fifth sample of each class (positions 4, 9, 14, ... among its own) for the test, the others for
/// training.
DataParts split_every_fifth(const DatasetPtr& data);

}  // namespace firn
