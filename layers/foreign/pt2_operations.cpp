#include "layers/foreign/pt2_operations.h"

#include <algorithm>

namespace firn {

namespace {

/// One node on its way.
struct Pt2Node {
  const Pt2Arguments& given;
  ForeignNode& node;

  void input(const char* name) const {
    const auto found = given.tensors.find(name);
    node.inputs.push_back(found == given.tensors.end() || found->second.empty() ? -1 : found->second[0]);
  }
  void inputs(const char* name) const {
    const auto found = given.tensors.find(name);
    if (found != given.tensors.end())
      node.inputs.insert(node.inputs.end(), found->second.begin(), found->second.end());
  }
  bool has(const char* name) const { return given.numbers.contains(name); }
  std::vector<double> list(const char* name, std::vector<double> usual = {}) const {
    const auto found = given.numbers.find(name);
    return found == given.numbers.end() || found->second.empty() ? usual : found->second;
  }
  double number(const char* name, double usual) const { return list(name, {usual})[0]; }
  void set(const char* key, std::vector<double> numbers) const { node.numbers[key] = std::move(numbers); }
  void set(const char* key, double number) const { node.numbers[key] = {number}; }
  /// A list of sizes, one number for all axes made `rank`.
  void extent(const char* key, const char* name, std::size_t rank, std::vector<double> usual) const {
    std::vector<double> sizes = list(name, std::move(usual));
    if (sizes.size() == 1) sizes.resize(rank, sizes[0]);
    set(key, std::move(sizes));
  }
};

using Pt2Rule = void (*)(const Pt2Node&);

void unary(const Pt2Node& n) {
  n.input("self");
}

template <int kRank>
void conv(const Pt2Node& n) {
  n.input("input");
  n.input("weight");
  n.input("bias");
  n.extent("stride", "stride", kRank, {1});
  n.extent("dilation", "dilation", kRank, {1});
  n.set("groups", n.number("groups", 1));
  if (const auto same = n.given.texts.find("padding"); same != n.given.texts.end()) {
    n.set("same", same->second == "same" ? 1 : 0);
    n.extent("pad", "", kRank, {0});
  } else {
    n.extent("pad", "padding", kRank, {0});
  }
  if (n.number("transposed", 0) != 0) n.node.op = "transposed_conv";
  if (n.has("output_padding")) n.extent("more", "output_padding", kRank, {0});
}

template <int kRank>
void pool(const Pt2Node& n) {
  n.input("self");
  n.extent("kernel", "kernel_size", kRank, {1});
  n.extent("stride", "stride", kRank, n.list("kernel_size", {1}));
  n.extent("pad", "padding", kRank, {0});
  n.extent("dilation", "dilation", kRank, {1});
  n.set("ceil", n.number("ceil_mode", 0));
  n.set("count_padding", n.number("count_include_pad", 1));
  if (n.has("divisor_override")) n.node.op.clear();
}

void adaptive(const Pt2Node& n) {
  n.input("self");
  n.set("sizes", n.list("output_size"));
}

void clip(const Pt2Node& n) {
  n.input("self");
  const bool relu6 = n.node.said.find("relu6") != std::string::npos;
  const bool tanh = n.node.said.find("hardtanh") != std::string::npos;
  if (relu6 || tanh || n.has("min") || n.has("min_val"))
    n.set("least", n.number(tanh ? "min_val" : "min", relu6 ? 0 : -1));
  if (relu6 || tanh || n.has("max") || n.has("max_val"))
    n.set("most", n.number(tanh ? "max_val" : "max", relu6 ? 6 : 1));
}

void binary(const Pt2Node& n) {
  n.input("self");
  n.input("other");
  if (n.node.inputs[1] < 0) n.set("other", n.number("other", 0));
  const double alpha = n.number("alpha", 1);
  if (alpha != 1) n.node.op.clear();
}

void batch_norm(const Pt2Node& n) {
  for (const char* name : {"input", "weight", "bias", "running_mean", "running_var"}) n.input(name);
  n.set("epsilon", n.number("eps", 1e-5));
  n.set("momentum", n.number("momentum", 0.1));
}

void recurrent(const Pt2Node& n) {
  n.input("input");
  n.inputs("hx");
  n.set("states", static_cast<double>(n.node.inputs.size() - 1));
  n.inputs("params");
  n.set("layers", n.number("num_layers", 1));
  n.set("bidirectional", n.number("bidirectional", 0));
  n.set("batch_first", n.number("batch_first", 0));
  n.set("biases", n.number("has_biases", 1));
  n.set("dropout", n.number("dropout", 0));
}

void reshape(const Pt2Node& n) {
  n.input("self");
  n.set("sizes", n.list(n.has("shape") ? "shape" : "size"));
}

void over(const Pt2Node& n) {
  n.input("self");
  n.set("axes", n.list("dim"));
  n.set("keep", n.number("keepdim", 0));
  n.node.outputs.resize(1);  // the places of the greatest are no numbers to go on with
}

void pad_rule(const Pt2Node& n) {
  n.input("self");
  n.set("pads", n.list("pad"));
  n.set("value", n.number("value", 0));
  n.set("from_last", 1);
  const auto mode = n.given.texts.find("mode");
  if (mode != n.given.texts.end() && mode->second != "constant") n.node.op.clear();
}

void fill(const Pt2Node& n, double usual) {
  n.input("self");
  n.set("sizes", n.list("size"));
  n.set("value", n.number("fill_value", usual));
}

struct Pt2Row {
  const char* target;  ///< behind "aten.", without a trailing '_'
  const char* op;
  Pt2Rule rule;
};

constexpr Pt2Row kPt2Rows[] = {
    {"conv1d", "conv", conv<1>},
    {"conv2d", "conv", conv<2>},
    {"convolution", "conv", conv<2>},
    {"conv_transpose1d", "transposed_conv", conv<1>},
    {"conv_transpose2d", "transposed_conv", conv<2>},
    {"linear", "dense",
     [](const Pt2Node& n) {
       n.input("input");
       n.input("weight");
       n.input("bias");
     }},
    {"addmm", "gemm",
     [](const Pt2Node& n) {
       n.input("mat1");
       n.input("mat2");
       n.input("self");
       n.set("alpha", n.number("alpha", 1));
       n.set("beta", n.number("beta", 1));
     }},
    {"mm", "matmul",
     [](const Pt2Node& n) {
       n.input("self");
       n.input("mat2");
     }},
    {"matmul", "matmul",
     [](const Pt2Node& n) {
       n.input("self");
       n.input("other");
     }},
    {"batch_norm", "batch_norm", batch_norm},
    {"_native_batch_norm_legit_no_training", "batch_norm", batch_norm},
    {"layer_norm", "layer_norm",
     [](const Pt2Node& n) {
       for (const char* name : {"input", "weight", "bias"}) n.input(name);
       n.set("epsilon", n.number("eps", 1e-5));
       n.set("normalised", n.list("normalized_shape"));
     }},
    {"relu", "relu", unary},
    {"sigmoid", "sigmoid", unary},
    {"tanh", "tanh", unary},
    {"silu", "silu", unary},
    {"hardswish", "hard_swish", unary},
    {"hardsigmoid", "hard_sigmoid",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("slope", 1.0 / 6);
       n.set("offset", 0.5);
     }},
    {"gelu", "gelu",
     [](const Pt2Node& n) {
       n.input("self");
       const auto how = n.given.texts.find("approximate");
       n.set("tanh", how != n.given.texts.end() && how->second == "tanh" ? 1 : 0);
     }},
    {"leaky_relu", "leaky_relu",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("slope", n.number("negative_slope", 0.01));
     }},
    {"prelu", "prelu",
     [](const Pt2Node& n) {
       n.input("self");
       n.input("weight");
     }},
    {"relu6", "clip", clip},
    {"hardtanh", "clip", clip},
    {"clamp", "clip", clip},
    {"clamp_min", "clip", clip},
    {"max_pool1d", "max_pool", pool<1>},
    {"max_pool2d", "max_pool", pool<2>},
    {"max_pool2d_with_indices", "max_pool",
     [](const Pt2Node& n) {
       pool<2>(n);
       n.node.outputs.resize(1);
     }},
    {"avg_pool1d", "average_pool", pool<1>},
    {"avg_pool2d", "average_pool", pool<2>},
    {"adaptive_avg_pool1d", "adaptive_average_pool", adaptive},
    {"adaptive_avg_pool2d", "adaptive_average_pool", adaptive},
    {"_adaptive_avg_pool2d", "adaptive_average_pool", adaptive},
    {"mean", "mean", over},
    {"max", "max_over", over},
    {"amax", "max_over", over},
    {"constant_pad_nd", "pad", pad_rule},
    {"pad", "pad", pad_rule},
    {"view", "reshape", reshape},
    {"_unsafe_view", "reshape", reshape},
    {"reshape", "reshape", reshape},
    {"flatten", "flatten",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("first", n.number("start_dim", 0));
       n.set("last", n.number("end_dim", -1));
     }},
    {"permute", "permute",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("order", n.list("dims"));
     }},
    {"transpose", "transpose",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axes", {n.number("dim0", 0), n.number("dim1", 0)});
     }},
    {"t", "transpose",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axes", {0, 1});
     }},
    {"squeeze", "squeeze",
     [](const Pt2Node& n) {
       n.input("self");
       if (n.has("dim")) n.set("axes", n.list("dim"));
     }},
    {"unsqueeze", "unsqueeze",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axes", n.list("dim"));
     }},
    {"cat", "concat",
     [](const Pt2Node& n) {
       n.inputs("tensors");
       n.set("axis", n.number("dim", 0));
     }},
    {"select", "select",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axis", n.number("dim", 0));
       n.set("index", n.number("index", 0));
     }},
    {"slice", "slice",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axes", n.number("dim", 0));
       n.set("begin", n.number("start", 0));
       n.set("end", n.number("end", 9e18));
       n.set("step", n.number("step", 1));
     }},
    {"chunk", "split",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axis", n.number("dim", 0));
       n.set("parts", n.number("chunks", 1));
     }},
    {"split", "split",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axis", n.number("dim", 0));
       n.set("each", n.number("split_size", 1));
     }},
    {"split_with_sizes", "split",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axis", n.number("dim", 0));
       n.set("sizes", n.list("split_sizes"));
     }},
    {"add", "add", binary},
    {"sub", "subtract", binary},
    {"mul", "multiply", binary},
    {"div", "divide", binary},
    {"contiguous", "identity", unary},
    {"clone", "identity", unary},
    {"detach", "identity", unary},
    {"alias", "identity", unary},
    {"lift_fresh_copy", "identity", unary},
    {"dropout", "dropout",
     [](const Pt2Node& n) {
       n.input(n.given.tensors.contains("self") ? "self" : "input");
       n.set("p", n.number("p", 0.5));
     }},
    {"softmax", "softmax",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axis", n.number("dim", -1));
     }},
    {"log_softmax", "log_softmax",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("axis", n.number("dim", -1));
     }},
    {"embedding", "embedding",
     [](const Pt2Node& n) {
       n.input("weight");
       n.input("indices");
     }},
    {"lstm", "lstm", recurrent},
    {"gru", "gru", recurrent},
    {"rnn_tanh", "rnn", recurrent},
    {"rnn_relu", "rnn_relu", recurrent},
    {"upsample_nearest2d", "resize",
     [](const Pt2Node& n) {
       n.input("self");
       if (n.node.inputs[0] < 0) n.node.inputs.clear(), n.input("input");
       const std::vector<double> factors = n.list("scale_factors");
       if (!factors.empty()) {
         n.set("factors", {1, 1, factors[0], factors.back()});
       } else if (n.has("scales_h") && n.has("scales_w")) {
         n.set("factors", {1, 1, n.number("scales_h", 1), n.number("scales_w", 1)});
       } else {
         n.set("sizes", n.list("output_size"));
       }
     }},
    {"expand", "expand",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("sizes", n.list("size"));
     }},
    {"repeat", "repeat",
     [](const Pt2Node& n) {
       n.input("self");
       n.set("repeats", n.list("repeats"));
     }},
    {"zeros", "fill", [](const Pt2Node& n) { fill(n, 0); }},
    {"zeros_like", "fill", [](const Pt2Node& n) { fill(n, 0); }},
    {"ones", "fill", [](const Pt2Node& n) { fill(n, 1); }},
    {"full", "fill", [](const Pt2Node& n) { fill(n, 0); }},
};

}  // namespace

void translate_pt2(const Pt2Arguments& arguments, ForeignNode& node) {
  // "aten.relu_.default": the name, without what says that it is done in place.
  std::string target = node.said.starts_with("aten.") ? node.said.substr(5) : node.said;
  target = target.substr(0, target.find('.'));
  if (target.size() > 1 && target.ends_with('_')) target.pop_back();
  const auto row = std::find_if(std::begin(kPt2Rows), std::end(kPt2Rows),
                                [&](const Pt2Row& r) { return target == r.target; });
  if (row == std::end(kPt2Rows)) return;
  node.op = row->op;
  row->rule({arguments, node});
}

}  // namespace firn
