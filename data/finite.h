// Numbers of samples are numbers.
#pragma once

#include <span>

#include "data/dataset.h"

namespace firn {

/// The place of the first NaN or infinity in `values`; values.size() where there is none.
std::size_t first_non_finite(std::span<const real> values);

/// Throws Error(data) naming the set, the sample and the place where a number of sample `i` is none.
void require_finite(const DataInfo& info, Index i, std::span<const real> values);

}  // namespace firn
