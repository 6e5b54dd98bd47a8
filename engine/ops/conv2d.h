#pragma once

#include <optional>

#include "engine/graph/graph.h"

namespace firn {

struct Conv2dOptions {
  Index stride_h = 1, stride_w = 1;
  Index pad_h = 0, pad_w = 0;    ///< on both sides
  Index groups = 1;              ///< groups == channels is depthwise
  Index more_h = 0, more_w = 0;  ///< so much more below and to the right; less where negative
  /// Outputs along a side of Winograd's tiles, 2 or 4, or 0 for the direct kernel; without it `winograd_tile`
  /// chooses. For 3x3 kernels of stride 1 and one group.
  std::optional<Index> winograd = {};
};

/// y (N,OH,OW,O) from x (N,H,W,C), weight (KH,KW,C/groups,O) and bias (O), which may be none;
/// OH = (H + 2*pad_h + more_h - KH) / stride_h + 1, rounded down. Keeps x when the weight trains.
/// Forward pass and input gradient are computed directly or by Winograd's minimal filtering
/// (engine/ops/winograd.h), under Graph::Options::exact always directly.
Value conv2d(Graph& graph, Value x, Value weight, Value bias, const Conv2dOptions& options);

/// y (N,H,W,O) from x (N,OH,OW,C), weight (KH,KW,O/groups,C) and bias (O), which may be none: the input
/// gradient of the convolution of these options that reads y and gives x (Zeiler et al. 2010;
/// torch.nn.ConvTranspose2d, whose output_padding is -more). H = (OH - 1) * stride_h + KH - 2*pad_h - more_h.
/// Keeps x when the weight trains.
Value transposed_conv2d(Graph& graph, Value x, Value weight, Value bias, const Conv2dOptions& options);

}  // namespace firn
