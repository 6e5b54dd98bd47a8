#include "engine/tensor/tensor.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/base/error.h"

namespace firn {

namespace {

constexpr std::size_t kAlignment = 64;

}  // namespace

std::string_view type_name(DType type) {
  constexpr std::string_view names[] = {"real", "index", "byte", "bf16"};
  return names[static_cast<int>(type)];
}

Index type_size(DType type) {
  switch (type) {
    case DType::number:
      return sizeof(real);
    case DType::int32:
      return sizeof(std::int32_t);
    case DType::uint8:
      return 1;
    case DType::bf16:
      return 2;
  }
  return 0;
}

Tensor::Tensor(Shape shape, DType type) : shape_(shape), type_(type) {
  const auto wanted = static_cast<std::size_t>(bytes());
  const std::size_t size = std::max(kAlignment, (wanted + kAlignment - 1) / kAlignment * kAlignment);
  // More than any machine has is not asked for: allocators that check themselves end the program.
  constexpr std::size_t kMostBytes = std::size_t{1} << 39;
  void* block = size > kMostBytes ? nullptr : std::aligned_alloc(kAlignment, size);
  if (block == nullptr) {
    throw Error(Fault::failure, "tensor", fmt::format("no memory for {} ({} bytes)", shape.text(), size));
  }
  block_ = std::shared_ptr<void>(block, [](void* p) { std::free(p); });
  std::memset(block, 0, size);
}

Tensor::Tensor(Shape shape, std::span<const real> values) : Tensor(shape) {
  if (static_cast<Index>(values.size()) != shape.count()) {
    throw Error(Fault::usage, "tensor", fmt::format("{} values for shape {}", values.size(), shape.text()));
  }
  std::copy(values.begin(), values.end(), data());
}

Tensor Tensor::of_indices(Shape shape, std::span<const std::int32_t> values) {
  if (static_cast<Index>(values.size()) != shape.count()) {
    throw Error(Fault::usage, "tensor", fmt::format("{} indices for shape {}", values.size(), shape.text()));
  }
  Tensor t(shape, DType::int32);
  std::copy(values.begin(), values.end(), t.indices());
  return t;
}

void* Tensor::checked(DType want) const {
  if (want != type_) {
    throw Error(Fault::usage, "tensor",
                fmt::format("{} holds {} elements, {} were asked for", shape_.text(), type_name(type_),
                            type_name(want)));
  }
  return block_.get();
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor copy(shape_, type_);
  std::memcpy(copy.raw(), raw(), static_cast<std::size_t>(bytes()));
  return copy;
}

Tensor Tensor::reshaped(Shape shape) const {
  if (shape.count() != count()) {
    throw Error(Fault::usage, "reshape",
                fmt::format("{} does not hold the elements of {}", shape.text(), shape_.text()));
  }
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::permuted(std::span<const int> axes) const {
  const int rank = shape_.rank();
  std::array<Index, Shape::kMaxRank> sizes{};
  std::array<Index, Shape::kMaxRank> strides{};
  std::array<bool, Shape::kMaxRank> seen{};
  bool valid = static_cast<int>(axes.size()) == rank;
  for (std::size_t i = 0; valid && i < axes.size(); ++i) {
    valid = axes[i] >= 0 && axes[i] < rank && !std::exchange(seen[static_cast<std::size_t>(axes[i])], true);
    if (!valid) break;
    sizes[i] = shape_[axes[i]];
    strides[i] = shape_.count_from(axes[i] + 1);
  }
  if (!valid)
    throw Error(Fault::usage, "permute", fmt::format("no permutation of the axes of {}", shape_.text()));

  Tensor result(Shape(std::span<const Index>(sizes.data(), axes.size())), type_);
  const auto width = static_cast<std::size_t>(type_size(type_));
  const auto* from = static_cast<const std::byte*>(raw());
  auto* to = static_cast<std::byte*>(result.raw());
  std::array<Index, Shape::kMaxRank> at{};
  for (Index n = result.count(); n > 0; --n, to += width) {
    Index offset = 0;
    for (std::size_t i = 0; i < axes.size(); ++i) offset += at[i] * strides[i];
    std::memcpy(to, from + static_cast<std::size_t>(offset) * width, width);
    for (int i = rank - 1; i >= 0; --i) {
      const auto axis = static_cast<std::size_t>(i);
      if (++at[axis] < sizes[axis]) break;
      at[axis] = 0;
    }
  }
  return result;
}

void Tensor::fill(real value) {
  std::fill_n(data(), count(), value);
}

}  // namespace firn
