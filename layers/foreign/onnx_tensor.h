// Tensors of ONNX files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "layers/foreign/foreign_graph.h"
#include "layers/foreign/protobuf.h"

namespace firn {

/// The types of elements that are whole numbers (onnx.proto: TensorProto.DataType).
bool is_whole_onnx(std::int64_t type);

class OnnxTensors {
 public:
  explicit OnnxTensors(std::string path) : path_(std::move(path)) {}
  /// Reads a TensorProto; its name is the constant's. Throws Error(model_file).
  ForeignConstant read(ProtoReader tensor);

 private:
  std::span<const std::byte> external(const ProtoReader& at, const std::map<std::string, std::string>& where);

  std::string path_;
  std::map<std::string, std::vector<std::byte>> files_;  ///< beside it, read already
};

}  // namespace firn
