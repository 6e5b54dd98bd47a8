// Tensors as those who learn use them: places, sums, printing.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ostream>

#include "engine/base/error.h"
#include "engine/tensor/tensor.h"

namespace firn {

namespace {

Tensor by_element(const char* operation, const Tensor& a, const Tensor& b, real factor_of_b) {
  if (a.shape() != b.shape()) {
    throw Error(Fault::usage, operation,
                fmt::format("{} and {}: equal shapes are wanted", a.shape().text(), b.shape().text()));
  }
  Tensor result(a.shape());
  for (Index i = 0; i < a.count(); ++i) result.data()[i] = a.data()[i] + factor_of_b * b.data()[i];
  return result;
}

std::string element_text(const Tensor& tensor, Index i) {
  switch (tensor.type()) {
    case DType::number:
      return fmt::format("{:.5g}", tensor.data()[i]);
    case DType::int32:
      return std::to_string(tensor.indices()[i]);
    case DType::uint8:
      return std::to_string(static_cast<const unsigned char*>(tensor.raw())[i]);
    case DType::bf16:
      break;
  }
  return "?";
}

/// The places to show of `count`: all, or the first and last of them with -1 between.
std::vector<Index> shown(Index count, Index most) {
  std::vector<Index> places;
  const Index half = std::max<Index>(1, most / 2);
  for (Index i = 0; i < count; ++i) {
    if (count <= most || i < half || i >= count - half) places.push_back(i);
    if (count > most && i == half) places.push_back(-1);
  }
  return places;
}

}  // namespace

Index Tensor::offset_of(std::initializer_list<Index> places) const {
  Index offset = 0;
  int axis = 0;
  bool fits = static_cast<int>(places.size()) == shape_.rank();
  for (const Index place : places) {
    fits = fits && place >= 0 && place < shape_[axis];
    if (!fits) break;
    offset = offset * shape_[axis++] + place;
  }
  if (!fits) {
    throw Error(Fault::usage, "tensor",
                fmt::format("{} has no place ({})", shape_.text(), fmt::join(places, ",")));
  }
  return offset;
}

Tensor operator+(const Tensor& a, const Tensor& b) {
  return by_element("add", a, b, 1);
}
Tensor operator-(const Tensor& a, const Tensor& b) {
  return by_element("subtract", a, b, -1);
}
Tensor operator*(const Tensor& a, real factor) {
  Tensor result(a.shape());
  for (Index i = 0; i < a.count(); ++i) result.data()[i] = factor * a.data()[i];
  return result;
}

std::string to_string(const Tensor& tensor, Index most) {
  if (!tensor.defined()) return "()";
  const Shape& shape = tensor.shape();
  const Index width = shape.rank() > 0 ? shape[-1] : 1;
  std::string text = shape.text();
  for (const Index row : shown(width > 0 ? tensor.count() / width : 0, most)) {
    text += "\n ";
    if (row < 0) {
      text += " ...";
      continue;
    }
    for (const Index i : shown(width, most))
      text += fmt::format(" {:>10}", i < 0 ? "..." : element_text(tensor, row * width + i));
  }
  return text;
}

std::ostream& operator<<(std::ostream& to, const Tensor& tensor) {
  return to << to_string(tensor);
}

}  // namespace firn
