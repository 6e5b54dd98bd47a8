#include "engine/graph/parameter.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "engine/base/error.h"

namespace firn {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::weight:
      return "weight";
    case Role::bias:
      return "bias";
    case Role::norm:
      return "norm";
    case Role::statistic:
      return "statistic";
  }
  return "?";
}

Parameter::Parameter(std::string name, Tensor value, Role role, FileLayout layout)
    : name_(std::move(name)), value_(std::move(value)), role_(role), layout_(std::move(layout)) {
  if (layout_.axes.empty()) {
    if (layout_.file_shape.rank() == 0) layout_.file_shape = value_.shape();
    layout_.view = value_.shape();
    for (int i = 0; i < value_.shape().rank(); ++i) layout_.axes.push_back(i);
  }
}

int Parameter::unit_axis() const {
  if (layout_.axes.empty() || layout_.view[0] != units()) return -1;
  if (layout_.axes.back() == 0) return shape().rank() - 1;
  return layout_.axes.front() == 0 ? 0 : -1;
}

std::vector<UnitRange> Parameter::frozen_units() const {
  return trainable_ ? partly_frozen() : std::vector<UnitRange>{{0, units()}};
}

std::vector<UnitRange> Parameter::partly_frozen() const {
  return part_ ? complement(part_->ranges, units()) : std::vector<UnitRange>{};
}

void Parameter::set_frozen_units(const std::vector<UnitRange>& ranges) {
  TrainableRanges trains = trainable_without(ranges);
  trainable_ = !trains.ranges.empty();
  part_.reset();
  if (trainable_ && trains.count() < units()) part_ = std::move(trains);
}

TrainableRanges Parameter::trainable_without(const std::vector<UnitRange>& frozen) const {
  for (const UnitRange& range : frozen) {
    if (range.first >= 0 && range.first <= range.last && range.last <= units()) continue;
    throw Error(Fault::usage, "freeze",
                fmt::format("{} {} has the units 0 to {}, not {}:{}", name_, file_shape().text(), units() - 1,
                            range.first, range.last));
  }
  TrainableRanges trains{unit_axis(), complement(sorted_ranges(frozen), units())};
  if (trains.ranges.empty() || trains.count() == units()) return trains;
  if (role_ == Role::statistic) {
    throw Error(Fault::usage, "freeze",
                fmt::format("{} is a statistic: it freezes as a whole or not at all", name_));
  }
  if (trains.axis < 0) {
    throw Error(Fault::usage, "freeze",
                fmt::format("{} {} can only be frozen as a whole", name_, file_shape().text()));
  }
  return trains;
}

Tensor Parameter::to_file() const {
  // The layout maps file axes to memory axes; the way back is the inverse permutation.
  std::vector<int> inverse(layout_.axes.size());
  for (std::size_t i = 0; i < layout_.axes.size(); ++i)
    inverse[static_cast<std::size_t>(layout_.axes[i])] = static_cast<int>(i);
  std::vector<Index> sizes;
  for (const int axis : layout_.axes) sizes.push_back(layout_.view[axis]);
  return value_.reshaped(Shape(std::span<const Index>(sizes))).permuted(inverse).reshaped(layout_.file_shape);
}

void Parameter::from_file(const Tensor& tensor) {
  if (tensor.shape() != layout_.file_shape) {
    throw Error(Fault::model_file, "weights",
                fmt::format("{} is {} in the file, the model wants {}", name_, tensor.shape().text(),
                            layout_.file_shape.text()));
  }
  const Tensor laid_out = tensor.reshaped(layout_.view).permuted(layout_.axes);
  std::memcpy(value_.raw(), laid_out.raw(), static_cast<std::size_t>(value_.bytes()));
  touch();
}

}  // namespace firn
