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

int Parameter::live_axis() const {
  if (layout_.axes.empty() || layout_.view[0] != units()) return -1;
  if (layout_.axes.back() == 0) return shape().rank() - 1;
  return layout_.axes.front() == 0 ? 0 : -1;
}

std::vector<UnitRange> Parameter::frozen_units() const {
  return trainable_ ? partly_frozen() : std::vector<UnitRange>{{0, units()}};
}

std::vector<UnitRange> Parameter::partly_frozen() const {
  return live_ ? complement(live_->ranges, units()) : std::vector<UnitRange>{};
}

void Parameter::set_frozen_units(const std::vector<UnitRange>& ranges) {
  for (const UnitRange& range : ranges) {
    if (range.first >= 0 && range.first <= range.last && range.last <= units()) continue;
    throw Error(Fault::usage, "freeze",
                fmt::format("{} {} has the units 0 to {}, not {}:{}", name_, layout_.file_shape.text(),
                            units() - 1, range.first, range.last));
  }
  const std::vector<UnitRange> frozen = sorted_ranges(ranges), live = complement(frozen, units());
  if (!frozen.empty() && !live.empty() && role_ == Role::statistic) {
    throw Error(Fault::usage, "freeze",
                fmt::format("{} is a statistic: it freezes as a whole or not at all", name_));
  }
  trainable_ = frozen.empty() || !live.empty();
  live_.reset();
  if (frozen.empty() || live.empty()) return;
  if (live_axis() < 0) {
    throw Error(Fault::usage, "freeze",
                fmt::format("{} {} can only be frozen as a whole", name_, layout_.file_shape.text()));
  }
  live_ = Live{live_axis(), live};
}

std::string frozen_units_text(const Parameter& parameter) {
  if (!parameter.trainable()) return "frozen";
  if (parameter.live() == nullptr) return "";
  const std::vector<UnitRange> frozen = parameter.frozen_units();
  const auto gates = static_cast<Index>(parameter.unit_names().size());
  const Index share = gates > 0 ? parameter.units() / gates : 0;
  std::string names;
  Index named = 0;
  for (Index gate = 0; gate < gates; ++gate) {
    const bool whole = std::any_of(frozen.begin(), frozen.end(), [&](const UnitRange& range) {
      return range.first <= gate * share && (gate + 1) * share <= range.last;
    });
    if (!whole) continue;
    ++named;
    names += (names.empty() ? "" : "+") + parameter.unit_names()[static_cast<std::size_t>(gate)];
  }
  if (named > 0 && named * share == places_in(frozen)) {
    return fmt::format("{} of {} gates frozen ({})", named, gates, names);
  }
  const bool rows = parameter.live()->axis == 0 && parameter.shape().rank() > 1;
  const char* what = rows ? "rows" : parameter.shape().rank() == 4 ? "channels" : "units";
  return fmt::format("{} of {} {} frozen", places_in(frozen), parameter.units(), what);
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
