// Transposed convolutions.
#include <fmt/format.h>

#include <algorithm>

#include "layers/foreign/translator.h"

namespace firn {

namespace {

constexpr Index kMostWindow = 1 << 20;

}  // namespace

void Translator::transposed_conv(const ForeignNode& node) {
  const ForeignConstant& weight = wanted_constant(node, 1, "weight");
  const std::size_t rank = weight.sizes.size();
  Stream s = stream(node, 0);
  if ((rank != 3 && rank != 4) || static_cast<std::size_t>(s.rank()) != rank) {
    fail(node, fmt::format("is a transposed convolution of ({}) by ({}); firn has those over one and two "
                           "dimensions",
                           fmt::join(s.sizes, ","), fmt::join(weight.sizes, ",")));
  }
  s = channels_last(node, s);
  const std::size_t axes = rank - 2;
  const Index groups = node.whole("groups", 1), out = weight.sizes[1] * groups;
  if (groups < 1 || weight.sizes[0] != s.size(1) || weight.sizes[0] % groups != 0 || out < 1) {
    fail(node, fmt::format("has a weight of ({}) in {} groups for {} channels", fmt::join(weight.sizes, ","),
                           groups, s.size(1)));
  }
  const std::vector<Index> kernel(weight.sizes.begin() + 2, weight.sizes.end());
  const auto numbers = [&](const char* key, Index usual, Index least) {
    std::vector<Index> all = node.wholes(key);
    if (all.empty()) all = {usual};
    if (all.size() == 1) all.resize(axes, all[0]);
    if (all.size() != axes ||
        std::any_of(all.begin(), all.end(), [&](Index n) { return n < least || n > kMostWindow; }))
      fail(node, fmt::format("its {} of ({}) does not fit its window", key, fmt::join(all, ",")));
    return all;
  };
  const std::vector<Index> stride = numbers("stride", 1, 1), dilation = numbers("dilation", 1, 1);
  std::vector<Index> pad = numbers("pad", 0, 0), more = numbers("more", 0, 0);
  std::vector<Index> pad_end = node.has("pad_end") ? numbers("pad_end", 0, 0) : pad;
  // What comes out may be said in the place of the pads: what is too much goes, half of it on each side.
  const Index same = node.whole("same", 0);
  std::vector<Index> wanted = node.wholes("sizes");
  if (wanted.size() > axes) wanted.erase(wanted.begin(), wanted.end() - static_cast<std::ptrdiff_t>(axes));
  for (std::size_t i = 0; i < axes; ++i) {
    const Index read = s.sizes[i + 2];
    if (kernel[i] < 1 || kernel[i] > kMostWindow || read > kMostWindow)
      fail(node, fmt::format("has a window of ({})", fmt::join(kernel, ",")));
    const Index whole = stride[i] * (read - 1) + dilation[i] * (kernel[i] - 1) + 1;
    if (wanted.size() == axes || same > 0) {
      const Index total = whole + more[i] - (wanted.size() == axes ? wanted[i] : read * stride[i]);
      const Index cut = std::max<Index>(0, total);
      pad[i] = same == 1 ? cut / 2 : cut - cut / 2;
      pad_end[i] = cut - pad[i];
      more[i] += cut - total;
    }
    s.sizes[i + 2] = whole + more[i] - pad[i] - pad_end[i];
    if (s.sizes[i + 2] < 1) fail(node, fmt::format("leaves {} places of {}", s.sizes[i + 2], whole));
    // What is added and what is left out at the end are one thing.
    const Index both = std::min(more[i], pad_end[i]);
    if (more[i] - both >= stride[i]) {
      fail(node, fmt::format("adds {} places behind its last window, firn adds less than its stride of {}",
                             more[i] - both, stride[i]));
    }
  }
  const std::string path = path_of(node, weight.name, ".weight");
  const bool bias = node.inputs.size() > 2 && node.inputs[2] >= 0 && !computes_zeros(node.inputs[2]);
  const auto text = [](const std::vector<Index>& sizes) { return fmt::format("{}", fmt::join(sizes, "x")); };
  const std::vector<Index> ones(axes, 1), zeros(axes, 0);
  LayerSpec spec("transposed_conv");
  spec.name = path;
  spec.bare("out", out).bare("kernel", text(kernel));
  spec.option("stride", text(stride), text(ones)).option("dilation", text(dilation), text(ones));
  spec.option("pad", text(pad), text(zeros)).option("pad_end", text(pad_end), text(pad));
  spec.option("more", text(more), text(zeros)).option("groups", groups, 1).flag("no_bias", !bias);
  keep(node, weight, path + ".weight", weight.sizes);
  if (bias) keep(node, wanted_constant(node, 2, "bias"), path + ".bias", {out});
  s.sizes[1] = out;
  give(node, emit(node, std::move(spec), s));
  out_.layers.back().weighty = true;
}

}  // namespace firn
