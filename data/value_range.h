// How far the numbers of a set reach.
#pragma once

#include <string>

#include "data/dataset.h"

namespace firn {

struct ValueRange {
  double least = 0, greatest = 0;
  double width() const { return greatest - least; }
};

/// Over all samples, or over `most` of them that are spread evenly; of sequences over their own lengths.
/// Zeros for tokens.
ValueRange value_range_of(const Dataset& data, Index most = 0);

/// What to say where `data`, on which weights are used, reaches sixteen times as far as what they were
/// `trained` on, or a sixteenth: it was scaled otherwise. Empty where it fits.
std::string misfit(const ValueRange& trained, const ValueRange& data);

}  // namespace firn
