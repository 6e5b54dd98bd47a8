// ONNX's operators in firn's vocabulary.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "layers/foreign/foreign_graph.h"

namespace firn {

/// The attributes of a node: numbers and lists of numbers, and texts.
struct OnnxAttributes {
  std::map<std::string, std::vector<double>> numbers;
  std::map<std::string, std::string> texts;
};

/// Fills `op` and `numbers` of a node from `said`, its inputs and attributes; leaves `op` empty where the
/// vocabulary has no such operation. `opset`: the version of the operators.
void translate_onnx(const OnnxAttributes& attributes, Index opset, ForeignNode& node);

/// The operators that are read, for lists of them; those of whole graphs (Constant, SplitToSequence,
/// SequenceAt) among them.
std::vector<std::string> onnx_operators();

}  // namespace firn
