// What training changes: a named tensor with a trainable flag.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// A named tensor. Frozen (`trainable` false) means that its bytes never change: no gradient, no
/// optimizer state, no decay, and for statistics no update by the forward pass.
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

  bool trainable() const { return trainable_; }
  void set_trainable(bool trainable) { trainable_ = trainable; }

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
  std::uint64_t version_ = 0;
};

using ParameterPtr = std::shared_ptr<Parameter>;

}  // namespace firn
