// The names and shapes of a file's tensors, and the text of layers that have them.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor/safetensors.h"

namespace firn {

class NamedShapes {
 public:
  explicit NamedShapes(std::span<const NamedTensor> tensors);

  bool has(const std::string& name) const { return shapes_.contains(name); }
  /// Size `axis` of a tensor; 0 where there is none of this name and rank.
  Index size(const std::string& name, int axis, int rank) const;
  /// Output channels of a convolution's weight "PATH.weight"; 0 for none.
  Index outputs(const std::string& path) const { return size(path + ".weight", 0, 4); }

  /// "PATH: conv 64 7x7 stride 2 no_bias" for what reads `channels`, which become its outputs.
  std::string conv(const std::string& path, Index& channels, Index stride = 1,
                   const std::string& more = "") const;

 private:
  std::map<std::string, std::vector<Index>> shapes_;
};

/// A convolution with what follows it, or a squeeze and excitation (its two convolutions), within a block.
struct BlockPart {
  std::string conv, norm;  ///< paths
  std::string squeeze, excite;
};

/// What the families of inverted residuals differ in.
struct BlockStyle {
  std::string activation;                             ///< "silu"
  std::string inner = "relu", gate = "hard_sigmoid";  ///< of squeeze and excitation
  std::string norm = "norm";                          ///< with its options
};

/// "[NAME] _: graph { ... }": the parts in their order, the last without an activation, `stride` at the
/// depthwise convolution, and what enters added where nothing has changed its shape. `channels` become the
/// outputs.
std::string inverted_residual(const NamedShapes& shapes, const std::string& name,
                              const std::vector<BlockPart>& parts, const BlockStyle& style, Index stride,
                              Index& channels);

}  // namespace firn
