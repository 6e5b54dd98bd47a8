// Networks of firn's for other programs: ONNX.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/tensor/safetensors.h"
#include "layers/model.h"

namespace firn {

struct OnnxOptions {
  /// Batch norms become part of the convolution or dense layer before them.
  bool fold = false;
  /// Entries for the file, as weights files have them. With "firn.network" (always the text of what is
  /// written) the file read by firn is this network again, layer for layer.
  std::map<std::string, std::string> metadata = {};
};

/// The network as an ONNX model, in inference: operators of version 17 (20 where it has a GELU), any batch,
/// images as (N,C,H,W), sequences (N,T,F), tokens (N,T); where samples have lengths these are a second input
/// "lengths" (N). Inputs "x", output "logits". Weights have their names in firn's files and PyTorch's
/// layouts, nodes the names of blocks and layers: "/layer1/layer1.0.conv1/Conv". Throws Error(usage) for a
/// layer of a kind that networks' texts do not know, naming it.
std::vector<std::byte> onnx_of(const Model& model, const OnnxOptions& options = {});
/// Writes the same to `path`, which holds the old file or the whole new one at any time.
void export_onnx(const Model& model, const std::string& path, const OnnxOptions& options = {});

/// The weights and metadata of an ONNX model that `onnx_of` has written with "firn.network" and nobody has
/// changed but for its numbers; none for any other. Throws Error(model_file) for a damaged one.
std::optional<SafeTensors> read_own_onnx(std::span<const std::byte> bytes, const std::string& path);

/// The network without those batch norms that follow a convolution or dense layer which nothing else reads:
/// its weights and biases do their work, as they stand in inference.
ModelPtr with_norms_folded(const Model& model);

}  // namespace firn
