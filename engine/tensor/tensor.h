// A shape and a shared block of memory.
#pragma once

#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/real.h"
#include "engine/tensor/shape.h"

namespace firn {

/// Element types: `number` (real) for values, `int32` for labels, tokens and lengths, `uint8` for
/// masks and pooling positions, `bf16` (16 bits) for what frozen layers hand to each other.
enum class DType { number, int32, uint8, bf16 };

/// Bytes of one element.
Index type_size(DType type);
/// "real", "index", "byte", "bf16"
std::string_view type_name(DType type);
/// True for numbers that are rounded to fewer bits than `number` has.
constexpr bool is_narrow(DType type) {
  return type == DType::bf16;
}

/// Contiguous, row-major, 64-byte aligned. Copies share the block; `clone` does not.
/// Images are (N,H,W,C), sequences (N,T,F).
class Tensor {
 public:
  /// Without elements; `defined()` is false.
  Tensor() = default;
  /// Filled with zeros. Throws Error(failure) when memory is out.
  explicit Tensor(Shape shape, DType type = DType::number);
  /// Holds `values`; throws Error(usage) when their number is not the shape's.
  Tensor(Shape shape, std::span<const real> values);
  static Tensor of_indices(Shape shape, std::span<const std::int32_t> values);

  bool defined() const { return block_ != nullptr; }
  const Shape& shape() const { return shape_; }
  DType type() const { return type_; }
  Index count() const { return shape_.count(); }
  Index bytes() const { return count() * type_size(type_); }

  /// The elements; require the matching type.
  real* data() { return static_cast<real*>(checked(DType::number)); }
  const real* data() const { return static_cast<const real*>(checked(DType::number)); }
  std::int32_t* indices() { return static_cast<std::int32_t*>(checked(DType::int32)); }
  const std::int32_t* indices() const { return static_cast<const std::int32_t*>(checked(DType::int32)); }
  void* raw() { return block_.get(); }
  const void* raw() const { return block_.get(); }
  std::span<real> values() { return {data(), static_cast<std::size_t>(count())}; }
  std::span<const real> values() const { return {data(), static_cast<std::size_t>(count())}; }

  /// The number at a place, counted from 0 along each axis: `t(2, 0, 1)`. Throws Error(usage) for a place
  /// that is none, with both; for loops that learn, not for those that compute.
  template <class... Places>
  real& operator()(Places... places) {
    return data()[offset_of({static_cast<Index>(places)...})];
  }
  template <class... Places>
  real operator()(Places... places) const {
    return data()[offset_of({static_cast<Index>(places)...})];
  }

  /// Another block with the same elements.
  Tensor clone() const;
  /// The same block under another shape of the same count.
  Tensor reshaped(Shape shape) const;
  /// A new tensor whose axis i is this tensor's axis `axes[i]`.
  Tensor permuted(std::span<const int> axes) const;
  void fill(real value);

 private:
  void* checked(DType want) const;
  Index offset_of(std::initializer_list<Index> places) const;

  Shape shape_;
  DType type_ = DType::number;
  std::shared_ptr<void> block_;
};

/// Element by element; the shapes must be equal. Throws Error(usage) with both.
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, real factor);

/// Shape and numbers, a row of the last axis a line; of more than `most` rows or numbers in a row the first
/// and the last: "(2,3)\n  0.5 -0.3  0.8\n ...".
std::string to_string(const Tensor& tensor, Index most = 8);
std::ostream& operator<<(std::ostream& to, const Tensor& tensor);

}  // namespace firn
