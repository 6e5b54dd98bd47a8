// Datasets over numbers that lie elsewhere: arrays of other languages, used where they are.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/dataset.h"

namespace firn {

/// An array that somebody else owns, of any strides: element (i, j, ...) lies `i * strides[0] + j *
/// strides[1]
/// + ...` elements behind `data`.
struct ArrayView {
  enum class Element { float32, float64, byte };

  const void* data = nullptr;
  Element element = Element::float32;
  std::vector<Index> shape = {};
  std::vector<Index> strides = {};         ///< of elements, not of bytes; may be negative
  std::shared_ptr<const void> owner = {};  ///< kept as long as the data is read

  /// Whether the elements follow each other without gaps, the last axis fastest.
  bool contiguous() const;
};

/// Images, sequences or vectors of numbers: sample i is `x[i]`, read where it lies, never copied as a whole.
/// A byte b is read as b / `white`. `lengths`: the valid steps of each sequence; empty: all. Throws
/// Error(usage) where the shape of a sample is not `info.shape`, the counts do not fit, a label is no class
/// or a length is not from 1 to the number of steps.
DatasetPtr make_array_view(DataInfo info, ArrayView x, std::vector<std::int32_t> labels, int white = 1,
                           std::vector<Index> lengths = {});

}  // namespace firn
