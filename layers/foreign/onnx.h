// Networks in the Open Neural Network Exchange format (onnx.ai; fields as onnx/onnx.proto numbers them).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "engine/tensor/shape.h"
#include "layers/foreign/foreign_graph.h"

namespace firn {

/// Reads a file that lies in memory: the operators of opset 1 to 28, weights as raw, typed or external data.
/// External data is read from plain files beside `path` alone, which else is only named in errors. Throws
/// Error(model_file) with path and offset or node for what is damaged, of another version, or leaves a size
/// open that is not the batch's.
/// `sample`: sizes that the file leaves open are taken from it, (H,W,C) or (T,F) or (T).
/// `any_input`: the network is to be cut: several inputs and open sizes are no fault.
ForeignGraph read_onnx(std::span<const std::byte> bytes, const std::string& path, const Shape& sample = {},
                       bool any_input = false);

}  // namespace firn
