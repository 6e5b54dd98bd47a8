// The two scalar types that everything is written in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace firn {

/// The type of every weight and activation. The build `double` compiles the same sources with
/// FIRN_DOUBLE, so that gradients can be checked against central differences.
#ifdef FIRN_DOUBLE
using real = double;
#else
using real = float;
#endif

/// Sizes, strides and positions; signed, so that differences and padding need no care.
using Index = std::ptrdiff_t;

}  // namespace firn
