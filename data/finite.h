// Numbers of samples are numbers.
#pragma once

#include <span>
#include <vector>

#include "data/dataset.h"

namespace firn {

/// The place of the first NaN or infinity in `values`; values.size() where there is none.
std::size_t first_non_finite(std::span<const real> values);

/// Throws Error(data) naming where sample `i` was read and the place where one of its `values` is none.
void require_finite(const Dataset& data, Index i, std::span<const real> values);
/// The same of `values` that sample `i` has become; `raw` is room for as many.
void require_finite_prepared(const Dataset& data, Index i, std::span<const real> values,
                             std::vector<real>& raw);

}  // namespace firn
