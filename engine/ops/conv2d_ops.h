// The convolution and its gradients as mathematics, for those who implement them.
#pragma once

#include <optional>
#include <vector>

#include "engine/ops/implementation.h"

namespace firn {

/// What the three have in common.
class ConvolutionOp : public Abstract {
 public:
  const ConvGeometry& geometry() const { return g_; }
  /// Winograd's tiles, 2 or 4, or 0 for none; without it they are chosen.
  std::optional<Index> tile() const { return tile_; }
  Traits traits() const override { return {.narrowing = Narrowing::multiplies}; }

 protected:
  ConvolutionOp(const ConvGeometry& g, std::optional<Index> tile) : g_(g), tile_(tile) {}
  /// `transposed`: of what goes the other way, from the outputs to the images.
  Attributes geometry_attributes(bool transposed = false) const;
  /// With the multiply-adds of as many images as `images` has.
  Cost cost_of(const Node& node, const Shape& images) const;

  ConvGeometry g_;
  std::optional<Index> tile_;
};

/// Inputs: x, weight, and the bias unless there is none.
class Conv2dOp final : public ConvolutionOp {
 public:
  Conv2dOp(const ConvGeometry& g, std::optional<Index> tile, bool bias)
      : ConvolutionOp(g, tile), bias_(bias) {}
  bool bias() const { return bias_; }
  Description describe() const override;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  void gradient(Gradients& gradients) const override;
  Cost cost(const Node& node) const override { return cost_of(node, node.outputs()[0].shape); }
  std::span<const Implementation* const> implementations() const override;

 private:
  bool bias_;
};

/// Inputs: dy, weight. Of the forward pass where it is a transposed convolution, whose input dy is.
class Conv2dDxOp final : public ConvolutionOp {
 public:
  Conv2dDxOp(const ConvGeometry& g, std::optional<Index> tile, bool forward = false)
      : ConvolutionOp(g, tile), forward_(forward) {}
  Description describe() const override;
  void gradient(Gradients& gradients) const override;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  Cost cost(const Node& node) const override { return cost_of(node, node.outputs()[0].shape); }
  std::span<const Implementation* const> implementations() const override;

 private:
  bool forward_;
};

/// Inputs: x, dy.
class Conv2dDwOp final : public ConvolutionOp {
 public:
  /// `trains`: the output channels that train; null: all.
  Conv2dDwOp(const ConvGeometry& g, const TrainableRanges* trains);
  Conv2dDwOp(const Conv2dDwOp&) = delete;  // its geometry points into it
  Conv2dDwOp& operator=(const Conv2dDwOp&) = delete;
  Description describe() const override;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  Cost cost(const Node& node) const override;
  std::span<const Implementation* const> implementations() const override;

 private:
  std::vector<ChannelRange> trains_;
};

extern const Implementation conv2d_direct, conv2d_tiles_of_2, conv2d_tiles_of_4, conv2d_matrix;
extern const Implementation conv2d_dx_direct, conv2d_dx_tiles_of_2, conv2d_dx_tiles_of_4, conv2d_dx_matrix;
extern const Implementation conv2d_dw_by_parts, conv2d_dw_by_pieces, conv2d_dw_matrix_parts,
    conv2d_dw_matrix_pieces;

}  // namespace firn
