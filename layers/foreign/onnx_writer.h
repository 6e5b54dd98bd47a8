// An ONNX model, put together node by node (onnx.proto; github.com/onnx/onnx/blob/main/docs/IR.md).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "engine/tensor/tensor.h"
#include "layers/foreign/protobuf_writer.h"

namespace firn {

struct OnnxAttribute {
  std::string name;
  std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<std::string>> value;
};

class OnnxWriter {
 public:
  enum class Element { float32 = 1, int64 = 7 };
  static constexpr std::int64_t kOpenBatch = -1;  ///< of a shape's first size

  /// Operators of this version of the standard.
  explicit OnnxWriter(std::int64_t opset) : opset_(opset) {}
  std::int64_t opset() const { return opset_; }

  /// A node with outputs of new names, which are given back. `path`: the module that it belongs to; the node
  /// is called "/PATH/OPERATION", with a number behind it where there is one of that name. An empty input is
  /// one that is left out.
  std::vector<std::string> add(const std::string& path, const std::string& operation,
                               const std::vector<std::string>& inputs,
                               const std::vector<OnnxAttribute>& attributes = {}, int outputs = 1);
  /// A node of one output.
  std::string node(const std::string& path, const std::string& operation,
                   const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes = {}) {
    return add(path, operation, inputs, attributes)[0];
  }

  /// Numbers that the file holds under this name.
  void initializer(const std::string& name, const Tensor& numbers);
  /// Numbers that are no weights, named after `path` and `what`; the name.
  std::string wholes(const std::string& path, const std::string& what, std::vector<std::int64_t> numbers,
                     bool scalar = false);
  std::string number(const std::string& path, const std::string& what, float number);
  std::string numbers(const std::string& path, const std::string& what, const std::vector<float>& numbers);

  /// What is fed; the name that it got, which is another where that is taken.
  std::string input(const std::string& name, Element element, const std::vector<std::int64_t>& sizes);
  /// The value `from` is an output of the model, under another name.
  void output(const std::string& name, const std::string& from, const std::vector<std::int64_t>& sizes);

  /// The file. `metadata` goes into it, with the entry `kOnnxGraphSeal`: a SHA-256 of the nodes.
  std::vector<std::byte> file(const std::string& name, std::map<std::string, std::string> metadata) const;

 private:
  struct Node {
    std::string name, operation;
    std::vector<std::string> inputs, outputs;
    std::vector<OnnxAttribute> attributes;
  };
  static ProtoWriter message_of(const Node& node);
  std::string fresh(const std::string& name);

  std::int64_t opset_;
  std::vector<Node> nodes_;
  std::vector<ProtoWriter> initializers_, inputs_, outputs_;
  std::set<std::string> names_;
};

/// The metadata of a file that firn writes: by this entry it is seen that its nodes are still those.
constexpr const char* kOnnxGraphSeal = "firn.graph";

}  // namespace firn
