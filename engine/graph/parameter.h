// What training changes: a named tensor, marked as to whether it trains.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/trainable_ranges.h"
#include "engine/tensor/tensor.h"

namespace firn {

/// What a parameter is for; freezing can select by it.
enum class Role {
  weight,
  bias,
  norm,       ///< scale and shift of a normalisation
  statistic,  ///< running mean and variance of a batch norm: moved by the forward pass, never by a gradient
};

std::string_view role_name(Role role);

/// How PyTorch's files lay out a parameter whose memory is laid out for the kernels:
/// the file's tensor, seen as `view`, has as its axis `axes[i]` the memory's axis i.
/// Without axes both are the same. `file_shape` is the shape that the file names.
struct FileLayout {
  Shape file_shape;
  Shape view;
  std::vector<int> axes;
};

/// A named tensor. Frozen means that its bytes never change: no gradient, no optimizer state, no decay, and
/// for statistics no update by the forward pass. What is frozen of it in a step is said by the `FreezeSet`
/// that the step is compiled for; the parameter's own mark is what a model's own set is made of.
class Parameter {
 public:
  /// `value` lies in memory as the kernels want it.
  Parameter(std::string name, Tensor value, Role role, FileLayout layout = {});

  /// Dotted, PyTorch's: "layer1.0.conv1.weight".
  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  Role role() const { return role_; }
  const Shape& shape() const { return value_.shape(); }

  const Tensor& value() const { return value_; }
  /// For those who change the numbers: whoever does so calls `touch` afterwards.
  Tensor& mutable_value() { return value_; }
  /// Tells the programs that what they derived from the value (packed, folded) is stale.
  void touch() { ++version_; }
  std::uint64_t version() const { return version_; }

  /// The mark: whether it trains, all of it or what `trains` says.
  bool trainable() const { return trainable_; }
  /// Leaves `trains` as it is: what was frozen of it before stays frozen when it trains again.
  void set_trainable(bool trainable) { trainable_ = trainable; }

  /// Places along the first axis of the file's shape: output channels of a convolution or dense layer, rows
  /// of an embedding, the gates' units of a recurrent weight. 1 for a scalar.
  Index units() const { return layout_.file_shape.rank() > 0 ? layout_.file_shape[0] : 1; }
  /// The units that train of one that trains in part, along the axis of the memory where they lie; null
  /// where all or none do.
  const TrainableRanges* trainable_ranges() const { return trainable_ && part_ ? &*part_ : nullptr; }
  /// The axis of the memory along which the units lie; -1 where they do not.
  int unit_axis() const;
  /// The units that do not train; all of them where the parameter is frozen.
  std::vector<UnitRange> frozen_units() const;
  /// Those that do not train either when the parameter does.
  std::vector<UnitRange> partly_frozen() const;
  /// Freezes these units and no others. Throws what `trainable_without` does.
  void set_frozen_units(const std::vector<UnitRange>& ranges);
  /// What trains where these units are frozen; ranges of none or of all of them too. Throws Error(usage) when
  /// one lies outside, for part of a statistic, and where the units of the file are no axis of the memory.
  TrainableRanges trainable_without(const std::vector<UnitRange>& frozen) const;

  /// Names of equal shares of the units, in their order: the gates of an LSTM; none for most.
  const std::vector<std::string>& unit_names() const { return unit_names_; }
  void set_unit_names(std::vector<std::string> names) { unit_names_ = std::move(names); }

  const FileLayout& layout() const { return layout_; }
  /// The shape in PyTorch's files.
  const Shape& file_shape() const { return layout_.file_shape; }
  /// The value in PyTorch's layout, a copy.
  Tensor to_file() const;
  /// Takes a value in PyTorch's layout; throws Error(model_file) when the shape is another.
  void from_file(const Tensor& tensor);

 private:
  std::string name_;
  Tensor value_;
  Role role_;
  FileLayout layout_;
  bool trainable_ = true;
  std::optional<TrainableRanges> part_;  // what trains of one that trains; none: all units
  std::vector<std::string> unit_names_;
  std::uint64_t version_ = 0;
};

using ParameterPtr = std::shared_ptr<Parameter>;

}  // namespace firn
