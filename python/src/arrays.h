// Arrays on their way in and out.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <vector>

#include "data/array_view.h"
#include "engine/tensor/tensor.h"

namespace firn::python {

namespace nb = nanobind;

/// Any array in memory, which is not written to.
using AnyArray = nb::ndarray<nb::ro, nb::device::cpu>;
using IntArray = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using NumpyFloats = nb::ndarray<nb::numpy, float>;
using NumpyFloatView = nb::ndarray<nb::numpy, const float>;

/// Where an array of float32, float64 or uint8 lies; it is kept alive. Throws Error(usage) for other
/// elements.
ArrayView view_of(const AnyArray& array);
std::vector<std::int32_t> integers_of(const IntArray& array);
/// A tensor of numbers as an array that owns it.
NumpyFloats array_of(Tensor tensor);

}  // namespace firn::python
