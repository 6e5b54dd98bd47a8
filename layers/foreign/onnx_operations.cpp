#include "layers/foreign/onnx_operations.h"

#include <algorithm>

namespace firn {

namespace {

struct OnnxNode {
  const OnnxAttributes& given;
  Index opset;
  ForeignNode& node;

  std::vector<double> list(const char* name) const {
    const auto found = given.numbers.find(name);
    return found == given.numbers.end() ? std::vector<double>() : found->second;
  }
  bool has(const char* name) const { return given.numbers.contains(name); }
  double number(const char* name, double usual) const {
    const std::vector<double> all = list(name);
    return all.empty() ? usual : all[0];
  }
  std::string text(const char* name) const {
    const auto found = given.texts.find(name);
    return found == given.texts.end() ? "" : found->second;
  }
  void set(const char* key, std::vector<double> numbers) const { node.numbers[key] = std::move(numbers); }
  void set(const char* key, double number) const { node.numbers[key] = {number}; }
  void copy(const char* key, const char* name) const {
    if (has(name)) set(key, list(name));
  }
  /// Keeps the first `count` inputs.
  void inputs(std::size_t count) const {
    if (node.inputs.size() > count) node.inputs.resize(count);
  }
  void fail() const { node.op.clear(); }
};

using OnnxRule = void (*)(const OnnxNode&);

void nothing(const OnnxNode&) {}

void window_rule(const OnnxNode& n) {
  n.copy("kernel", "kernel_shape");
  if (n.node.op != "conv" || n.has("strides"))
    n.set("stride", n.has("strides") ? n.list("strides") : std::vector<double>{1});
  n.copy("dilation", "dilations");
  n.set("groups", n.number("group", 1));
  n.set("ceil", n.number("ceil_mode", 0));
  n.set("count_padding", n.number("count_include_pad", 0));
  const std::vector<double> pads = n.list("pads");
  const auto half = static_cast<std::ptrdiff_t>(pads.size() / 2);
  n.set("pad",
        pads.empty() ? std::vector<double>{0} : std::vector<double>(pads.begin(), pads.begin() + half));
  n.set("pad_end",
        pads.empty() ? std::vector<double>{0} : std::vector<double>(pads.begin() + half, pads.end()));
  const std::string automatic = n.text("auto_pad");
  if (automatic == "SAME_UPPER") n.set("same", 1);
  if (automatic == "SAME_LOWER") n.set("same", 2);
  n.node.outputs.resize(1);
}

void over_rule(const OnnxNode& n) {
  n.copy("axes", "axes");
  n.set("keep", n.number("keepdims", 1));
}

void recurrent_rule(const OnnxNode& n) {
  n.set("hidden", n.number("hidden_size", 0));
  n.set("linear_before_reset", n.number("linear_before_reset", 0));
  const std::string direction = n.text("direction");
  n.set("bidirectional", direction == "bidirectional" ? 1 : 0);
  n.set("reverse", direction == "reverse" ? 1 : 0);
  // What the networks of today's exporters do not use.
  if (n.has("clip")) n.set("unknown_clip", 1);
  if (n.number("layout", 0) != 0) n.set("unknown_layout", 1);
  if (n.number("input_forget", 0) != 0) n.set("unknown_input_forget", 1);
  const std::string activations = n.text("activations");
  const char* usual = n.node.said == "LSTM"  ? "Sigmoid Tanh Tanh"
                      : n.node.said == "GRU" ? "Sigmoid Tanh"
                                             : "Tanh";
  const bool known =
      activations.empty() || activations == usual || activations == std::string(usual) + " " + usual;
  if (!known) n.set("unknown_activations", 1);
}

struct OnnxRow {
  const char* said;
  const char* op;
  OnnxRule rule;
};

constexpr OnnxRow kOnnxRows[] = {
    {"Conv", "conv", window_rule},
    {"MaxPool", "max_pool", window_rule},
    {"AveragePool", "average_pool", window_rule},
    {"GlobalAveragePool", "adaptive_average_pool", [](const OnnxNode& n) { n.set("sizes", 1); }},
    {"BatchNormalization", "batch_norm",
     [](const OnnxNode& n) {
       n.set("epsilon", n.number("epsilon", 1e-5));
       n.set("momentum", 1 - n.number("momentum", 0.9));
       n.node.outputs.resize(1);
     }},
    {"LayerNormalization", "layer_norm",
     [](const OnnxNode& n) {
       n.set("epsilon", n.number("epsilon", 1e-5));
       n.node.outputs.resize(1);
     }},
    {"Gemm", "gemm",
     [](const OnnxNode& n) {
       n.set("alpha", n.number("alpha", 1));
       n.set("beta", n.number("beta", 1));
       n.set("trans_a", n.number("transA", 0));
       n.set("trans_b", n.number("transB", 0));
     }},
    {"MatMul", "matmul", nothing},
    {"Relu", "relu", nothing},
    {"Sigmoid", "sigmoid", nothing},
    {"Tanh", "tanh", nothing},
    {"HardSwish", "hard_swish", nothing},
    {"Erf", "erf", nothing},
    {"Gelu", "gelu", [](const OnnxNode& n) { n.set("tanh", n.text("approximate") == "tanh" ? 1 : 0); }},
    {"LeakyRelu", "leaky_relu", [](const OnnxNode& n) { n.set("slope", n.number("alpha", 0.01)); }},
    {"HardSigmoid", "hard_sigmoid",
     [](const OnnxNode& n) {
       n.set("slope", n.number("alpha", 0.2));
       n.set("offset", n.number("beta", 0.5));
     }},
    {"Clip", "clip",
     [](const OnnxNode& n) {
       n.copy("least", "min");
       n.copy("most", "max");
     }},
    {"Dropout", "dropout",
     [](const OnnxNode& n) {
       n.set("p", n.number("ratio", 0.5));
       n.inputs(1);
       n.node.outputs.resize(1);
     }},
    {"Softmax", "softmax", [](const OnnxNode& n) { n.set("axis", n.number("axis", n.opset < 13 ? 1 : -1)); }},
    {"LogSoftmax", "log_softmax",
     [](const OnnxNode& n) { n.set("axis", n.number("axis", n.opset < 13 ? 1 : -1)); }},
    {"ReduceMean", "mean", over_rule},
    {"ReduceMax", "max_over", over_rule},
    {"Pad", "pad",
     [](const OnnxNode& n) {
       n.copy("pads", "pads");
       n.copy("value", "value");
       if (!n.text("mode").empty() && n.text("mode") != "constant") n.fail();
     }},
    {"Reshape", "reshape",
     [](const OnnxNode& n) {
       if (n.number("allowzero", 0) == 0) n.set("zero_copies", 1);
       n.copy("sizes", "shape");
     }},
    {"Flatten", "flatten", [](const OnnxNode& n) { n.set("before", n.number("axis", 1)); }},
    {"Transpose", "permute", [](const OnnxNode& n) { n.copy("order", "perm"); }},
    {"Squeeze", "squeeze", [](const OnnxNode& n) { n.copy("axes", "axes"); }},
    {"Unsqueeze", "unsqueeze", [](const OnnxNode& n) { n.copy("axes", "axes"); }},
    {"Concat", "concat", [](const OnnxNode& n) { n.set("axis", n.number("axis", 0)); }},
    {"Slice", "slice",
     [](const OnnxNode& n) {
       n.copy("begin", "starts");
       n.copy("end", "ends");
       n.copy("axes", "axes");
     }},
    {"Split", "split",
     [](const OnnxNode& n) {
       n.set("axis", n.number("axis", 0));
       n.copy("sizes", "split");
     }},
    {"Gather", "gather", [](const OnnxNode& n) { n.set("axis", n.number("axis", 0)); }},
    {"Add", "add", nothing},
    {"Sum", "add",
     [](const OnnxNode& n) {
       if (n.node.inputs.size() == 1) n.node.op = "identity";
       if (n.node.inputs.size() > 2) n.fail();
     }},
    {"Sub", "subtract", nothing},
    {"Mul", "multiply", nothing},
    {"Div", "divide", nothing},
    {"Identity", "identity", nothing},
    {"Shape", "shape", nothing},
    {"Expand", "expand", nothing},
    {"Cast", "cast", nothing},
    {"CastLike", "cast", nothing},
    {"ConstantOfShape", "fill", [](const OnnxNode& n) { n.set("of_shape", 1); }},
    {"LSTM", "onnx_lstm", recurrent_rule},
    {"GRU", "onnx_gru", recurrent_rule},
};

}  // namespace

void translate_onnx(const OnnxAttributes& attributes, Index opset, ForeignNode& node) {
  const auto row = std::find_if(std::begin(kOnnxRows), std::end(kOnnxRows),
                                [&](const OnnxRow& r) { return node.said == r.said; });
  if (row == std::end(kOnnxRows) || node.outputs.empty()) return;
  node.op = row->op;
  row->rule({attributes, opset, node});
}

}  // namespace firn
