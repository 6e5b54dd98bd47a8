// The rules of pools and of sums over axes, and of what joins two values.
#include <fmt/format.h>

#include <algorithm>

#include "layers/foreign/translator.h"

namespace firn {

namespace {

std::string brief_text(const std::vector<Index>& sizes) {
  const bool equal = std::all_of(sizes.begin(), sizes.end(), [&](Index n) { return n == sizes[0]; });
  return equal ? std::to_string(sizes[0]) : fmt::format("{}", fmt::join(sizes, "x"));
}

}  // namespace

void Translator::pool(const ForeignNode& node) {
  Stream s = stream(node, 0);
  if (s.rank() != 3 && s.rank() != 4)
    fail(node, fmt::format("pools {}, firn pools images and sequences", sizes_text(s.sizes)));
  s = channels_last(node, s);
  std::vector<Index> kernel = node.wholes("kernel");
  if (kernel.size() == 1) kernel.resize(static_cast<std::size_t>(s.rank()) - 2, kernel[0]);
  if (kernel.size() + 2 != s.sizes.size())
    fail(node, fmt::format("has a window of {} for {}", sizes_text(kernel), sizes_text(s.sizes)));
  Window w = window(node, s, kernel);
  if (std::any_of(w.dilation.begin(), w.dilation.end(), [](Index d) { return d != 1; }))
    fail(node, "leaves out places of its window (dilation), which firn's pools do not");
  if (std::all_of(kernel.begin(), kernel.end(), [](Index k) { return k == 1; }) &&
      std::all_of(w.stride.begin(), w.stride.end(), [](Index k) { return k == 1; }))
    return give(node, std::move(s));
  const bool average = node.op == "average_pool";
  // A mean may be over more zeros than numbers where they stand before it.
  const bool zeros = average && node.number("count_padding", 1) != 0 && node.number("ceil", 0) == 0;
  for (std::size_t i = 0; i < kernel.size() && zeros; ++i) {
    if (2 * w.pad[i] <= kernel[i]) continue;
    LayerSpec spec("zero_pad");
    spec.option("axis", static_cast<Index>(i + 1), -1)
        .option("before", w.pad[i], 0)
        .option("behind", w.pad_end[i], 0);
    s.sizes[i + 2] += w.pad[i] + w.pad_end[i];
    w.pad[i] = w.pad_end[i] = 0;
    s = emit(node, std::move(spec), s);
  }
  LayerSpec spec(average ? "average_pool" : "pool");
  spec.bare("kernel", brief_text(kernel)).option("stride", brief_text(w.stride), brief_text(kernel));
  w.add_to(spec, std::vector<Index>(kernel.size(), 0));
  spec.flag("ceil", node.number("ceil", 0) != 0);
  if (average) spec.flag("without_padding", node.number("count_padding", 1) == 0);
  std::copy(w.out.begin(), w.out.end(), s.sizes.begin() + 2);
  give(node, emit(node, std::move(spec), s));
}

void Translator::adaptive(const ForeignNode& node) {
  Stream s = channels_last(node, settled(node, stream(node, 0)));
  std::vector<Index> sizes = node.wholes("sizes");
  if (sizes.size() == 1) sizes.resize(static_cast<std::size_t>(std::max(s.rank() - 2, 1)), sizes[0]);
  if (sizes.size() + 2 != s.sizes.size())
    fail(node, fmt::format("makes {} of {}", sizes_text(sizes), sizes_text(s.sizes)));
  bool whole = true, even = true;
  std::vector<Index> kernel;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Index size = s.sizes[i + 2];
    if (sizes[i] < 1) fail(node, fmt::format("makes {} of {}", sizes_text(sizes), sizes_text(s.sizes)));
    whole = whole && sizes[i] == 1;
    even = even && size % sizes[i] == 0;
    kernel.push_back(size / std::max<Index>(1, sizes[i]));
  }
  if (whole) {
    std::set<int> axes;
    for (int axis = 2; axis < s.rank(); ++axis) axes.insert(axis);
    return give(node, over(node, s, axes, true, "mean"));
  }
  std::copy(sizes.begin(), sizes.end(), s.sizes.begin() + 2);
  if (even && std::all_of(kernel.begin(), kernel.end(), [](Index k) { return k == 1; }))
    return give(node, std::move(s));
  LayerSpec spec(even ? "average_pool" : "adaptive_pool");
  spec.bare(even ? "kernel" : "size", brief_text(even ? kernel : sizes));
  give(node, emit(node, std::move(spec), s));
}

Stream Translator::over(const ForeignNode& node, Stream s, const std::set<int>& axes, bool keep_axes,
                        const std::string& kind) {
  s = settled(node, s);
  if (axes.contains(s.memory[0])) fail(node, "is over the samples of a batch, which firn keeps apart");
  std::vector<int> memory;
  std::vector<Index> places;
  bool wide = false;
  for (std::size_t i = 0; i < s.memory.size(); ++i) {
    if (axes.contains(s.memory[i])) {
      places.push_back(static_cast<Index>(i));
      wide = wide || s.size(s.memory[i]) > 1;
    } else {
      memory.push_back(s.memory[i]);
    }
  }
  const bool image = s.memory.size() == 4 && places == std::vector<Index>{1, 2};
  for (const int axis : axes) s.sizes[static_cast<std::size_t>(axis)] = 1;
  if (memory.size() < 2) {  // a sample keeps a dimension
    memory.push_back(s.memory[static_cast<std::size_t>(places.back())]);
    places.pop_back();
    if (places.empty() || wide) fail(node, "leaves one number of each sample");
  }
  s.memory = std::move(memory);
  if (wide && image && kind == "mean") {
    s = emit(node, LayerSpec("global_pool"), s);
  } else if (wide) {
    s = emit(node, LayerSpec(kind).option("over", fmt::format("{}", fmt::join(places, " ")), ""), s);
  } else {
    s = viewed(node, s);
  }
  return keep_axes ? s : without(node, s, axes);
}

void Translator::reduce(const ForeignNode& node) {
  const Stream s = stream(node, 0);
  std::set<int> axes;
  for (const Index axis : numbers_of(node, "axes", 1)) axes.insert(axis_of(node, s, axis));
  if (axes.empty()) fail(node, "is over everything, the batch too");
  give(node, over(node, s, axes, node.number("keep", 0) != 0, node.op == "mean" ? "mean" : "max"));
}

void Translator::arithmetic(const ForeignNode& node) {
  if (node.inputs.size() > 2) {  // ONNX's Sum
    ForeignNode pair = node;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      pair.inputs = {i == 1 ? node.inputs[0] : made_value_, node.inputs[i]};
      pair.outputs = {i + 1 < node.inputs.size() ? --made_value_ : node.outputs[0]};
      arithmetic(pair);
    }
    return;
  }
  if (node.has("axis")) {  // of old versions: where the second operand's axes begin among the first's
    const Stream s = stream(node, 0);
    ForeignConstant c = wanted_constant(node, 1, "second operand");
    const Index behind =
        s.rank() - axis_of(node, s, node.whole("axis", 0)) - static_cast<Index>(c.sizes.size());
    if (behind > 0) c.sizes.insert(c.sizes.end(), static_cast<std::size_t>(behind), 1);
    return arithmetic_with(node, s, c, false);
  }
  if (node.inputs.size() > 1 && node.inputs[1] >= 0) {
    const ForeignConstant* left = constant(node.inputs[0]);
    const ForeignConstant* right = constant(node.inputs[1]);
    if (right != nullptr) return arithmetic_with(node, stream(node, 0), *right, false);
    if (left != nullptr) return arithmetic_with(node, stream(node, 1), *left, true);
    return arithmetic_of(node, stream(node, 0), stream(node, 1));
  }
  ForeignConstant other;
  other.reals = {static_cast<real>(node.number("other", 0))};
  arithmetic_with(node, stream(node, 0), other, false);
}

void Translator::arithmetic_of(const ForeignNode& node, Stream a, Stream b) {
  if (node.op == "divide") fail(node, "divides by what flows through the network");
  const auto reads = [&](const Stream& gate, const Stream& x, const char* kind) {
    if (gate.layer < 0 || gate.sizes != x.sizes || gate.memory != x.memory) return false;
    const ForeignLayer& layer = out_.layers[static_cast<std::size_t>(gate.layer)];
    return layer.spec.kind == kind && layer.inputs[0] == x.layer && layer.spec.attributes.empty();
  };
  if (node.op == "multiply") {
    for (const char* kind : {"sigmoid", "hard_sigmoid"}) {
      const Stream* x = reads(b, a, kind) ? &a : reads(a, b, kind) ? &b : nullptr;
      if (x == nullptr) continue;
      return give(node, emit(node, LayerSpec(std::string(kind) == "sigmoid" ? "silu" : "hard_swish"), *x));
    }
  }
  if (a.sizes == b.sizes) {
    if (a.image.rank() > 0 || b.image.rank() > 0) {
      a = settled(node, a);
      b = settled(node, b);
    }
    b = ordered(node, b, a.memory);
    if (node.op == "subtract") b = emit(node, LayerSpec("times").bare("factor", "-1"), b);
    return give(node,
                emit(node, LayerSpec(node.op == "multiply" ? "multiply" : "add"), a, {a.layer, b.layer}));
  }
  const auto count = [](const Stream& s) {
    Index all = 1;
    for (const Index size : s.sizes) all *= size;
    return all;
  };
  Stream& big = count(a) >= count(b) ? a : b;
  Stream& small = count(a) >= count(b) ? b : a;
  big = settled(node, big);
  small = settled(node, small);
  bool fits = node.op == "multiply" && small.rank() == big.rank() && big.memory.size() > 2;
  for (int axis = 0; fits && axis < big.rank(); ++axis) {
    const bool own = axis == big.memory[0] || axis == big.memory.back();
    fits = small.size(axis) == (own ? big.size(axis) : 1);
  }
  if (!fits)
    fail(node, fmt::format("joins {} and {}: firn joins equal ones, and multiplies channels by (N,C,1,1)",
                           sizes_text(a.sizes), sizes_text(b.sizes)));
  small = ordered(node, small, {big.memory[0], big.memory.back()});
  give(node, emit(node, LayerSpec("multiply"), big, {big.layer, small.layer}));
}

void Translator::arithmetic_with(const ForeignNode& node, Stream s, const ForeignConstant& c, bool swapped) {
  const bool product = node.op == "multiply" || node.op == "divide";
  if (node.op == "divide" && swapped) fail(node, "divides by what flows through the network");
  if (node.op == "subtract" && swapped) s = emit(node, LayerSpec("times").bare("factor", "-1"), s);
  const bool negative = node.op == "subtract" && !swapped;
  if (c.count() == 1) {
    const double number = node.op == "divide" ? 1 / c.number(0) : negative ? -c.number(0) : c.number(0);
    if (number == (product ? 1 : 0)) return give(node, std::move(s));
    LayerSpec spec(product ? "times" : "plus");
    spec.bare(product ? "factor" : "summand", exact_text(static_cast<real>(number)));
    return give(node, emit(node, std::move(spec), s));
  }
  // One number for each channel or feature.
  const int offset = s.rank() - static_cast<int>(c.sizes.size());
  int axis = -1;
  for (int i = 0; i < static_cast<int>(c.sizes.size()); ++i) {
    if (c.sizes[static_cast<std::size_t>(i)] == 1) continue;
    axis = axis < 0 && offset + i >= 0 && c.sizes[static_cast<std::size_t>(i)] == s.size(offset + i)
               ? offset + i
               : s.rank();
  }
  if (axis < 0 || axis >= s.rank() || axis == s.memory[0])
    fail(node, fmt::format("joins {} and a constant of {}: firn has one number, or one for each channel",
                           sizes_text(s.sizes), sizes_text(c.sizes)));
  ForeignConstant numbers = c;
  for (real& one : numbers.own_floats()) one = node.op == "divide" ? 1 / one : negative ? -one : one;
  // A bias that stands behind its product.
  if (node.op == "add" && s.layer >= 0 && s.image.rank() == 0 && axis == s.memory.back()) {
    ForeignLayer& before = out_.layers[static_cast<std::size_t>(s.layer)];
    const std::string* bare = before.spec.find("no_bias");
    const bool alone = uses(node.inputs[swapped ? 1 : 0]) == 1;
    if (before.weighty && bare != nullptr && alone &&
        (before.spec.kind == "dense" || before.spec.kind == "conv")) {
      keep(node, numbers, before.spec.name + ".bias", {c.count()});
      std::erase_if(before.spec.attributes,
                    [](const LayerSpec::Attribute& a) { return a.name == "no_bias"; });
      return give(node, std::move(s));
    }
  }
  s = settled(node, s);
  if (s.memory.back() != axis) {
    std::vector<int> memory;
    for (const int one : s.memory) {
      if (one != axis) memory.push_back(one);
    }
    memory.push_back(axis);
    s = ordered(node, s, memory);
  }
  const std::string path = path_of(node, numbers.name, "");
  LayerSpec spec(product ? "scale" : "shift");
  spec.name = path;
  const bool plain = c.sizes.size() == 1;
  if (!plain) spec.option("as", fmt::format("{}", fmt::join(c.sizes, "x")), "");
  keep(node, numbers, path, c.sizes);
  give(node, emit(node, std::move(spec), s));
}

}  // namespace firn
