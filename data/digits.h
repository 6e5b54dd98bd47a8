// The UCI digits, carried by the program itself.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// 1,797 handwritten digits of 8 × 8 grey values (8,8,1), 0 to 16 read as 0 to 1; ten classes. The first
/// 1,437 train, the last 360 (of other writers) test. E. Alpaydin, C. Kaynak: Optical Recognition of
/// Handwritten Digits, UCI Machine Learning Repository, 1998; CC BY 4.0. The arguments, those of every
/// source, are not used.
DataParts open_digits(const std::string& path = {}, const DataOptions& options = {});

}  // namespace firn
