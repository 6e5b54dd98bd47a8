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
  n.copy("more", "output_padding");
  n.copy("sizes", "output_shape");
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

void softmax_rule(const OnnxNode& n) {
  n.set("axis", n.number("axis", n.opset < 13 ? 1 : -1));
  if (n.opset < 13) n.set("from_axis", 1);
}

void arithmetic_rule(const OnnxNode& n) {
  if (n.opset < 7) n.copy("axis", "axis");
}

/// Which place of what is read each place repeats is the same in these ways for factors that are whole.
void resize_rule(const OnnxNode& n) {
  const auto text = [&](const char* name, const char* usual) {
    const std::string given = n.text(name);
    return given.empty() ? std::string(usual) : given;
  };
  const bool upsample = n.node.said == "Upsample" || n.opset < 11;
  const std::string where = upsample ? "asymmetric" : text("coordinate_transformation_mode", "half_pixel");
  const std::string nearest = upsample ? "floor" : text("nearest_mode", "round_prefer_floor");
  const bool centred =
      (where == "half_pixel" || where == "pytorch_half_pixel") && nearest.starts_with("round");
  const bool from_left = where == "asymmetric" && nearest == "floor";
  if (text("mode", "nearest") != "nearest") n.set("interpolates", 1);
  if (!centred && !from_left) n.set("other_places", 1);
  n.copy("factors", "scales");
  // x, scales; or x, a region that is for another mode, scales, sizes.
  if (!upsample && n.node.inputs.size() > 1) n.node.inputs.erase(n.node.inputs.begin() + 1);
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
  if (n.node.said == "RNN" && (activations == "Relu" || activations == "Relu Relu")) {
    n.set("relu", 1);
  } else if (!known) {
    n.set("unknown_activations", 1);
  }
}

struct OnnxRow {
  const char* said;
  const char* op;
  OnnxRule rule;
};

constexpr OnnxRow kOnnxRows[] = {
    {"Conv", "conv", window_rule},
    {"ConvTranspose", "transposed_conv", window_rule},
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
    {"LRN", "local_response_norm",
     [](const OnnxNode& n) {
       n.set("size", n.number("size", 0));
       n.set("alpha", n.number("alpha", 1e-4));
       n.set("beta", n.number("beta", 0.75));
       n.set("k", n.number("bias", 1));
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
    {"Softmax", "softmax", softmax_rule},
    {"LogSoftmax", "log_softmax", softmax_rule},
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
    {"Concat", "concat", [](const OnnxNode& n) { n.set("axis", n.number("axis", n.opset < 4 ? 1 : 0)); }},
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
    {"Add", "add", arithmetic_rule},
    {"Sum", "add",
     [](const OnnxNode& n) {
       if (n.node.inputs.size() == 1) n.node.op = "identity";
     }},
    {"Sub", "subtract", arithmetic_rule},
    {"Mul", "multiply", arithmetic_rule},
    {"Div", "divide", arithmetic_rule},
    {"Identity", "identity", nothing},
    {"Shape", "shape", nothing},
    {"Expand", "expand", nothing},
    {"Tile", "repeat", nothing},
    {"Equal", "equal", nothing},
    {"Where", "where", nothing},
    {"Cast", "cast", nothing},
    {"CastLike", "cast", nothing},
    {"ConstantOfShape", "fill", [](const OnnxNode& n) { n.set("of_shape", 1); }},
    {"LSTM", "onnx_lstm", recurrent_rule},
    {"GRU", "onnx_gru", recurrent_rule},
    {"RNN", "onnx_rnn", recurrent_rule},
    {"PRelu", "prelu", nothing},
    {"Resize", "resize", resize_rule},
    {"Upsample", "resize", resize_rule},
};

}  // namespace

std::vector<std::string> onnx_operators() {
  std::vector<std::string> names{"Constant", "SplitToSequence", "SequenceAt"};
  for (const OnnxRow& row : kOnnxRows) names.emplace_back(row.said);
  return names;
}

void translate_onnx(const OnnxAttributes& attributes, Index opset, ForeignNode& node) {
  const auto row = std::find_if(std::begin(kOnnxRows), std::end(kOnnxRows),
                                [&](const OnnxRow& r) { return node.said == r.said; });
  if (row == std::end(kOnnxRows) || node.outputs.empty()) return;
  node.op = row->op;
  row->rule({attributes, opset, node});
}

}  // namespace firn
