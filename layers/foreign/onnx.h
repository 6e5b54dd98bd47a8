// Networks in the Open Neural Network Exchange format (onnx.ai; fields as onnx/onnx.proto numbers them).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "layers/foreign/foreign_graph.h"

namespace firn {

/// Reads a file that lies in memory: the operators of opset 7 to 28, weights as raw, typed or external data.
/// External data is read from plain files beside `path` alone, which else is only named in errors. Throws
/// Error(model_file) with path and offset or node for what is damaged, of another version, or leaves a size
/// open that is not the batch's.
ForeignGraph read_onnx(std::span<const std::byte> bytes, const std::string& path);

}  // namespace firn
