#include "python/src/arrays.h"

#include <memory>
#include <utility>

#include "engine/base/error.h"

namespace firn::python {

ArrayView view_of(const AnyArray& array) {
  ArrayView view;
  view.data = array.data();
  if (array.dtype() == nb::dtype<float>()) {
    view.element = ArrayView::Element::float32;
  } else if (array.dtype() == nb::dtype<double>()) {
    view.element = ArrayView::Element::float64;
  } else if (array.dtype() == nb::dtype<std::uint8_t>()) {
    view.element = ArrayView::Element::byte;
  } else {
    throw Error(Fault::usage, "data", "arrays of float32, float64 or uint8 are read in place, no others");
  }
  for (std::size_t axis = 0; axis < array.ndim(); ++axis) {
    view.shape.push_back(static_cast<Index>(array.shape(axis)));
    view.strides.push_back(array.stride(axis));
  }
  // Whoever lets go of it last may be a thread that Python does not know.
  view.owner = std::shared_ptr<const AnyArray>(new AnyArray(array), [](const AnyArray* kept) {
    const nb::gil_scoped_acquire gil;
    delete kept;
  });
  return view;
}

std::vector<std::int32_t> integers_of(const IntArray& array) {
  return {array.data(), array.data() + array.size()};
}

NumpyFloats array_of(Tensor tensor) {
  std::vector<std::size_t> shape;
  for (const Index size : tensor.shape().sizes()) shape.push_back(static_cast<std::size_t>(size));
  auto kept = std::make_unique<Tensor>(std::move(tensor));
  float* data = kept->data();
  const nb::capsule owner(kept.release(), [](void* p) noexcept { delete static_cast<Tensor*>(p); });
  return {data, shape.size(), shape.data(), owner};
}

}  // namespace firn::python
