// Networks of others: PyTorch's exported programs (.pt2) and ONNX models.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor/safetensors.h"
#include "layers/foreign/cut.h"
#include "layers/foreign/foreign_graph.h"
#include "layers/model.h"

namespace firn {

/// What a file of another program holds.
struct ImportedNetwork {
  std::string text;                 ///< of the network, as `parse_network` reads it
  SafeTensors file;                 ///< its weights, named and laid out as `load_weights` wants them
  std::vector<std::string> frozen;  ///< parameters that do not train
  InputSpec input;
  Index classes = 0;
  std::string layout;  ///< of the file's input: nchw, nhwc, nft, ntf, nf, or nt for tokens
  std::vector<std::string> notes;
};

/// Whether the file is one that `import_network` reads, by its first bytes; false where it cannot be read.
bool is_foreign_network(const std::string& path);

/// Reads a file, or the part of its network that `cut` says. Throws Error(model_file), naming path and node,
/// for what is damaged, of a version that is not known, or holds an operation that firn lacks. `sample`:
/// sizes that an ONNX model leaves open are taken from it.
ImportedNetwork import_network(const std::string& path, const Shape& sample = {}, const NetworkCut& cut = {});
/// The same of one that lies in memory; `path` is only named in errors. `lying`: as `read_pt2` takes them.
ImportedNetwork import_network(std::span<const std::byte> bytes, const std::string& path,
                               const Shape& sample = {}, const NetworkCut& cut = {},
                               const ForeignTensors& lying = {});

}  // namespace firn
