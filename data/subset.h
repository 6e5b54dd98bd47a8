// Parts of a dataset, as views of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"

namespace firn {

/// Positions in a set: of a large one there are many, so they are small.
using SamplePositions = std::vector<std::uint32_t>;

/// The samples at `indices`, in that order. Throws Error(usage) on an index that is none.
DatasetPtr subset(DatasetPtr data, std::vector<Index> indices);
DatasetPtr view_of(DatasetPtr data, SamplePositions positions);

/// `count` samples from `first` on; without a list of them. Throws Error(usage) where there are fewer.
DatasetPtr slice(DatasetPtr data, Index first, Index count);

/// The samples of the given classes, in the order of the set. With `relabel` the classes are counted anew in
/// the order given, and only they are in `info().classes`. Throws Error(usage) on an unknown or repeated
/// class.
DatasetPtr subset_classes(DatasetPtr data, std::span<const std::int32_t> classes, bool relabel);

/// n samples of each class (all of a class that has fewer), drawn by `seed`; the order of the set is kept.
/// For one seed a larger n contains a smaller one, so that learning curves differ by what was added alone.
DatasetPtr subset_per_class(DatasetPtr data, Index n, std::uint64_t seed);

/// The same among the samples at `from`: their positions, in ascending order.
SamplePositions pick_per_class(const Dataset& data, const SamplePositions& from, Index n, std::uint64_t seed);

/// `first`, then `second`.
DatasetPtr concatenated(DatasetPtr first, DatasetPtr second);

}  // namespace firn
