#pragma once

#include <optional>
#include <vector>

#include "layers/extent.h"
#include "layers/layer.h"

namespace firn {

/// What the pools over windows share.
struct WindowOptions {
  Extent kernel = 2;
  Extent stride = 0;  ///< 0: as the kernel
  Extent pad = 0;
  std::optional<Extent> pad_end = {};  ///< below and to the right, where that is not as much
  bool steps = false;                  ///< of sequences: all extents are 1 or 0 in height
  bool ceil = false;                   ///< round the output's size up
  bool count_padding = true;           ///< averages: the padding counts among the places
};

/// Greatest of each window of an image or sequence; torch.nn.MaxPool2d, MaxPool1d.
class MaxPool2d final : public Layer {
 public:
  using Options = WindowOptions;
  explicit MaxPool2d(Options options) : options_(options) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

/// Mean of each window of an image or sequence; torch.nn.AvgPool2d, AvgPool1d.
class AveragePool2d final : public Layer {
 public:
  using Options = WindowOptions;
  explicit AveragePool2d(Options options) : options_(options) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

/// Means of windows that share the image as evenly as they can: (N,H,W,C) to (N,height,width,C);
/// torch.nn.AdaptiveAvgPool2d.
class AdaptivePool final : public Layer {
 public:
  explicit AdaptivePool(Extent size) : size_(size) {}
  LayerSpec spec() const override { return LayerSpec("adaptive_pool").bare("size", size_.brief()); }
  Flow build(Graph& graph, Flow in) const override;

 private:
  Extent size_;
};

/// Mean or greatest over axes of a sample, which go away; counted from 1.
class OverAxes final : public Layer {
 public:
  enum class Kind { mean, greatest };
  /// Throws Error(usage) for an axis below 1 or there twice.
  OverAxes(Kind kind, std::vector<Index> axes);
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Kind kind_;
  std::vector<Index> axes_;
};

/// Mean over the image: (N,H,W,C) to (N,C).
class GlobalAveragePool final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("global_pool"); }
  Flow build(Graph& graph, Flow in) const override;
};

}  // namespace firn
