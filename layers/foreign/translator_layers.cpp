// The rules of operations with weights.
#include <fmt/format.h>

#include <algorithm>

#include "layers/foreign/translator.h"

namespace firn {

namespace {

std::string size_text(const std::vector<Index>& sizes) {
  const bool equal = std::all_of(sizes.begin(), sizes.end(), [&](Index n) { return n == sizes[0]; });
  return equal ? std::to_string(sizes[0]) : fmt::format("{}", fmt::join(sizes, "x"));
}

/// Whether the names are those that PyTorch's exporters give what they have folded: "onnx::Conv_12", or
/// "conv1.weight" with "conv1.weight_bias".
bool by_torch(const std::string& weight, const std::string& bias) {
  return bias.starts_with("onnx::") || bias.starts_with(weight + "_");
}

std::vector<Index> of_rank(std::vector<Index> sizes, std::size_t rank, Index usual) {
  if (sizes.size() == 1) sizes.resize(rank, sizes[0]);
  if (sizes.empty()) sizes.resize(rank, usual);
  return sizes;
}

}  // namespace

void Translator::Window::add_to(LayerSpec& spec, const std::vector<Index>& usual_pad) const {
  spec.option("pad", size_text(pad), size_text(usual_pad));
  spec.option("pad_end", size_text(pad_end), size_text(pad));
}

Translator::Window Translator::window(const ForeignNode& node, const Stream& s,
                                      const std::vector<Index>& kernel, const std::vector<Index>& more,
                                      const std::vector<Index>& more_end) const {
  const std::size_t rank = kernel.size();
  Window w;
  w.stride = of_rank(node.wholes("stride"), rank, 1);
  w.dilation = of_rank(node.wholes("dilation"), rank, 1);
  w.pad = of_rank(node.wholes("pad"), rank, 0);
  w.pad_end = node.has("pad_end") ? of_rank(node.wholes("pad_end"), rank, 0) : w.pad;
  for (const auto* list : {&w.stride, &w.dilation, &w.pad, &w.pad_end}) {
    const Index least = list == &w.stride || list == &w.dilation ? 1 : 0;
    if (list->size() != rank ||
        std::any_of(list->begin(), list->end(), [&](Index n) { return n < least || n > (1 << 20); }))
      fail(node,
           fmt::format("stride, padding or dilation ({}) do not fit its window", fmt::join(*list, ",")));
  }
  if (std::any_of(kernel.begin(), kernel.end(), [](Index k) { return k < 1 || k > (1 << 20); }))
    fail(node, fmt::format("has a window of ({})", fmt::join(kernel, ",")));
  for (std::size_t i = 0; i < rank && i < more.size(); ++i) {
    w.pad[i] += more[i];
    w.pad_end[i] += more_end[i];
  }
  const Index same = node.whole("same", 0);  // 1: what is left over goes behind, 2: before
  for (std::size_t i = 0; i < rank; ++i) {
    const Index around = i < more.size() ? more[i] + more_end[i] : 0;
    const Index size = s.sizes[i + 2], wide = w.dilation[i] * (kernel[i] - 1) + 1;
    if (same > 0) {
      const Index total =
          std::max<Index>(0, (size + around - 1) / w.stride[i] * w.stride[i] + wide - size - around);
      const Index first = same == 1 ? total / 2 : total - total / 2;
      w.pad[i] += first;
      w.pad_end[i] += total - first;
    }
    if (size + w.pad[i] + w.pad_end[i] < wide)
      fail(node, fmt::format("its window of {} is larger than what it reads, {}", wide, size));
    const Index room = size + w.pad[i] + w.pad_end[i] - wide;
    Index out = room / w.stride[i] + 1;
    if (node.number("ceil", 0) != 0) {
      out = (room + w.stride[i] - 1) / w.stride[i] + 1;
      if ((out - 1) * w.stride[i] >= size + w.pad[i]) --out;
    }
    w.out.push_back(out);
  }
  return w;
}

/// Zeros that the graph makes, in the place of a bias that the model has not.
bool Translator::computes_zeros(int value) const {
  const auto found = folded_.find(value);
  if (found == folded_.end()) return false;
  const std::span<const real> reals = found->second.floats();
  return !found->second.whole && std::all_of(reals.begin(), reals.end(), [](real x) { return x == 0; });
}

void Translator::conv(const ForeignNode& node) {
  const ForeignConstant& weight = wanted_constant(node, 1, "weight");
  const std::size_t rank = weight.sizes.size();
  Stream s = stream(node, 0);
  if ((rank != 3 && rank != 4) || static_cast<std::size_t>(s.rank()) != rank) {
    fail(node, fmt::format("is a convolution of ({}) by ({}); firn has those over one and two dimensions",
                           fmt::join(s.sizes, ","), fmt::join(weight.sizes, ",")));
  }
  s = channels_last(node, s);
  // Zeros that stand before it are its own padding.
  std::vector<Index> more(rank - 2, 0), more_end(rank - 2, 0);
  if (const auto found = padded_.find(s.layer);
      found != padded_.end() && found->second.before.size() == rank &&
      found->second.before.back() + found->second.behind.back() == 0) {
    for (std::size_t i = 0; i < rank - 2; ++i) {
      more[i] = found->second.before[i + 1];
      more_end[i] = found->second.behind[i + 1];
      s.sizes[i + 2] -= more[i] + more_end[i];
    }
    s.layer = found->second.source;
  }
  const std::vector<Index> kernel(weight.sizes.begin() + 2, weight.sizes.end());
  const Index out = weight.sizes[0], groups = node.whole("groups", 1);
  if (groups < 1 || s.size(1) != groups * weight.sizes[1] || out < 1 || out % groups != 0 ||
      std::any_of(kernel.begin(), kernel.end(), [](Index k) { return k < 1; })) {
    fail(node, fmt::format("has a weight of ({}) in {} groups for {} channels", fmt::join(weight.sizes, ","),
                           groups, s.size(1)));
  }
  const Window w = window(node, s, kernel, more, more_end);
  const std::string path = path_of(node, weight.name, ".weight");
  const bool bias = node.inputs.size() > 2 && node.inputs[2] >= 0 && !computes_zeros(node.inputs[2]);
  LayerSpec spec("conv");
  spec.name = path;
  spec.bare("out", out).bare("kernel", fmt::format("{}", fmt::join(kernel, "x")));
  spec.option("stride", size_text(w.stride), "1").option("dilation", size_text(w.dilation), "1");
  std::vector<Index> usual;
  for (std::size_t i = 0; i < kernel.size(); ++i) usual.push_back(w.dilation[i] * (kernel[i] - 1) / 2);
  w.add_to(spec, usual);
  spec.option("groups", groups, 1).flag("no_bias", !bias);
  keep(node, weight, path + ".weight", weight.sizes);
  if (bias) {
    const ForeignConstant& numbers = wanted_constant(node, 2, "bias");
    keep(node, numbers, path + ".bias", {out});
    // Exporters that fold a batch norm give the bias that this makes a name of their own.
    const std::string& name = numbers.name;
    const bool odd =
        !name.empty() && name != "bias" && !name.ends_with(".bias") && by_torch(weight.name, name);
    if (odd || node.has("folded")) ++odd_biases_;
  }
  s.sizes[1] = out;
  std::copy(w.out.begin(), w.out.end(), s.sizes.begin() + 2);
  give(node, emit(node, std::move(spec), s));
  out_.layers.back().weighty = true;
}

void Translator::dense(const ForeignNode& node) {
  const ForeignConstant& weight = wanted_constant(node, 1, "weight");
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2] >= 0;
  if (node.op == "gemm" && node.number("trans_a", 0) != 0)
    fail(node, "turns its input, firn's dense does not");
  const bool by_rows = node.op == "dense" || node.number("trans_b", 0) != 0;
  Stream s = stream(node, 0);
  ForeignConstant bias = has_bias ? wanted_constant(node, 2, "bias") : ForeignConstant{};
  if (node.op == "gemm") {
    const double alpha = node.number("alpha", 1), beta = node.number("beta", 1);
    if (alpha != 1)
      s = emit(node, LayerSpec("times").bare("factor", exact_text(static_cast<real>(alpha))), s);
    if (bias.count() == 1 && bias.floats().size() == 1 && weight.sizes.size() == 2) {
      bias.sizes = {weight.sizes[by_rows ? 0 : 1]};
      const real one = bias.floats()[0];
      bias.own_floats().assign(static_cast<std::size_t>(std::max<Index>(0, bias.sizes[0])), one);
    }
    for (real& one : bias.own_floats()) one *= static_cast<real>(beta);
  }
  dense_of(node, s, weight, has_bias ? &bias : nullptr, !by_rows);
}

void Translator::dense_of(const ForeignNode& node, Stream s, const ForeignConstant& weight,
                          const ForeignConstant* bias, bool transposed) {
  if (weight.sizes.size() != 2 || s.rank() < 2)
    fail(node, fmt::format("multiplies ({}) by ({}), firn's dense has a weight of two dimensions",
                           fmt::join(s.sizes, ","), fmt::join(weight.sizes, ",")));
  const Index in = weight.sizes[transposed ? 0 : 1], out = weight.sizes[transposed ? 1 : 0];
  const int last = s.rank() - 1;
  if (s.size(last) != in || s.memory[0] == last)
    fail(node, fmt::format("multiplies ({}) by a weight for {} features", fmt::join(s.sizes, ","), in));
  if (s.image.rank() == 0) {
    std::vector<int> memory{s.memory[0]};
    for (int axis = 0; axis <= last; ++axis) {
      if (axis != s.memory[0] && (axis == last || s.size(axis) > 1)) memory.push_back(axis);
    }
    if (memory.size() > 3)
      fail(node, fmt::format("reads ({}), firn's dense reads rows or sequences", fmt::join(s.sizes, ",")));
    s = ordered(node, s, memory);
  }
  const std::string path = path_of(node, weight.name, ".weight");
  LayerSpec spec("dense");
  spec.name = path;
  spec.bare("out", out).flag("no_bias", bias == nullptr);
  keep(node, weight, path + ".weight", {out, in}, transposed ? std::vector<int>{1, 0} : std::vector<int>{});
  if (bias != nullptr) keep(node, *bias, path + ".bias", {out});
  s.sizes.back() = out;
  s.image = {};
  give(node, emit(node, std::move(spec), s));
  out_.layers.back().weighty = true;
}

void Translator::batch_norm(const ForeignNode& node) {
  Stream s = settled(node, stream(node, 0));
  if (s.rank() < 2) fail(node, "reads no channels");
  s = channels_last(node, s);
  const ForeignConstant& mean = wanted_constant(node, 3, "running mean");
  const ForeignConstant& variance = wanted_constant(node, 4, "running variance");
  const Index channels = s.size(1);
  const bool scaled = node.inputs.size() > 1 && node.inputs[1] >= 0;
  const std::string path = scaled ? path_of(node, wanted_constant(node, 1, "weight").name, ".weight")
                                  : path_of(node, mean.name, ".running_mean");
  LayerSpec spec("norm");
  spec.name = path;
  spec.option("epsilon", static_cast<real>(node.number("epsilon", 1e-5)), real(1e-5));
  spec.option("momentum", static_cast<real>(node.number("momentum", 0.1)), real(0.1));
  ++norms_;
  bool trains = true;
  if (scaled) {
    const ForeignConstant& weight = wanted_constant(node, 1, "weight");
    trains = weight.trains;
    keep(node, weight, path + ".weight", {channels});
    keep(node, wanted_constant(node, 2, "bias"), path + ".bias", {channels});
  } else {
    keep_equal(path + ".weight", channels, 1);
    keep_equal(path + ".bias", channels, 0);
  }
  // A norm that does not train keeps its running statistics, whatever the file says of these.
  keep(node, mean, path + ".running_mean", {channels}, {}, trains);
  keep(node, variance, path + ".running_var", {channels}, {}, trains);
  give(node, emit(node, std::move(spec), s));
}

void Translator::layer_norm(const ForeignNode& node) {
  Stream s = stream(node, 0);
  const ForeignConstant& weight = wanted_constant(node, 1, "weight");
  const std::vector<Index> sizes = s.sizes;
  const std::size_t over = weight.sizes.size();
  if (over < 1 || over >= sizes.size() ||
      !std::equal(weight.sizes.begin(), weight.sizes.end(), sizes.end() - static_cast<std::ptrdiff_t>(over)))
    fail(node,
         fmt::format("has a weight of ({}) for ({})", fmt::join(weight.sizes, ","), fmt::join(sizes, ",")));
  if (over > 1) {  // as one axis
    std::vector<Index> joined(sizes.begin(), sizes.end() - static_cast<std::ptrdiff_t>(over));
    joined.push_back(weight.count());
    s = reshaped(node, s, joined);
  }
  s = settled(node, s);
  const int last = s.rank() - 1;
  if (s.memory.back() != last) {
    std::vector<int> memory{s.memory[0]};
    for (int axis = 0; axis <= last; ++axis) {
      if (axis != s.memory[0]) memory.push_back(axis);
    }
    s = ordered(node, s, memory);
  }
  const std::string path = path_of(node, weight.name, ".weight");
  LayerSpec spec("layer_norm");
  spec.name = path;
  spec.option("epsilon", static_cast<real>(node.number("epsilon", 1e-5)), real(1e-5));
  keep(node, weight, path + ".weight", {weight.count()});
  if (node.inputs.size() > 2 && node.inputs[2] >= 0) {
    keep(node, wanted_constant(node, 2, "bias"), path + ".bias", {weight.count()});
  } else {
    keep_equal(path + ".bias", weight.count(), 0);
  }
  s = emit(node, std::move(spec), s);
  give(node, over > 1 ? reshaped(node, s, sizes) : s);
}

void Translator::local_response_norm(const ForeignNode& node) {
  const Stream s = channels_last(node, stream(node, 0));
  LayerSpec spec("local_response_norm");
  spec.bare("size", node.whole("size", 0))
      .option("alpha", static_cast<real>(node.number("alpha", 1e-4)), real(1e-4))
      .option("beta", static_cast<real>(node.number("beta", 0.75)), real(0.75))
      .option("k", static_cast<real>(node.number("k", 1)), real(1));
  give(node, emit(node, std::move(spec), s));
}

void Translator::prelu(const ForeignNode& node) {
  Stream s = settled(node, stream(node, 0));
  const ForeignConstant& weight = wanted_constant(node, 1, "slope");
  if (s.rank() > 2 && weight.count() > 1) s = channels_last(node, s);
  const Index channels = s.size(s.memory.back());
  if (weight.count() != 1 && (weight.count() != channels || s.rank() < 2))
    fail(node, fmt::format("has slopes of ({}) for ({}): firn has one, or one for each channel",
                           fmt::join(weight.sizes, ","), fmt::join(s.sizes, ",")));
  const std::string path = path_of(node, weight.name, ".weight");
  LayerSpec spec("prelu");
  spec.name = path;
  spec.flag("shared", weight.count() == 1);
  keep(node, weight, path + ".weight", {weight.count()});
  give(node, emit(node, std::move(spec), s));
}

void Translator::embedding(const ForeignNode& node) {
  const ForeignConstant& table = wanted_constant(node, 0, "table");
  Stream s = stream(node, 1);
  if (s.layer >= 0 || !graph_.tokens || table.sizes.size() != 2 || s.rank() != 2)
    fail(node, "reads other than the tokens that enter the network (N,T)");
  if (out_.vocabulary > 0 && out_.vocabulary != table.sizes[0])
    fail(node, fmt::format("has {} rows, another embedding of the same tokens has {}", table.sizes[0],
                           out_.vocabulary));
  out_.vocabulary = table.sizes[0];
  const std::string path = path_of(node, table.name, ".weight");
  LayerSpec spec("embedding");
  spec.name = path;
  spec.bare("features", table.sizes[1]);
  keep(node, table, path + ".weight", table.sizes);
  s.sizes.push_back(table.sizes[1]);
  s.memory = {0, 1, 2};
  give(node, emit(node, std::move(spec), s));
  out_.layers.back().weighty = true;
}

}  // namespace firn
