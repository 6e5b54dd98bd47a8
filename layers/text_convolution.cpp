#include "layers/text_convolution.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/ops/activation.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "layers/conv2d.h"

namespace firn {

TextConvolution::TextConvolution(Options options) : options_(std::move(options)) {
  for (const Index width : options_.widths) {
    adopt(fmt::format("conv{}", width),
          make<Conv2d>({.in = options_.features, .out = options_.channels, .kernel = {1, width}}));
  }
}

LayerSpec TextConvolution::spec() const {
  return LayerSpec("text_conv")
      .bare("channels", options_.channels)
      .option("widths", fmt::format("{}", fmt::join(options_.widths, " ")), {});
}

Flow TextConvolution::build(Graph& graph, Flow in) const {
  const Shape shape = in.x.shape();
  if (shape.rank() != 3) {
    throw Error(Fault::usage, "text_convolution",
                fmt::format("input {} must be (N,T,F) (layer {})", shape.text(), graph.label()));
  }
  // A text shorter than a window is read with zeros behind it, however long the others of its batch are.
  if (in.lengths) in.x = mask_steps(graph, in.x, in.lengths);
  const Index widest = *std::max_element(options_.widths.begin(), options_.widths.end());
  const Index steps = std::max(shape[1], widest);
  if (steps > shape[1]) in.x = pad(graph, in.x, 1, 0, steps - shape[1]);
  const Value row = reshape(graph, in.x, Shape{shape[0], 1, steps, shape[2]});
  std::vector<Value> features;
  for (std::size_t i = 0; i < children().size(); ++i) {
    const Scope scope(graph, children()[i].name);
    const Value y = activate(graph, Activation::relu, children()[i].layer->build(graph, {row}).x);
    const Index width = options_.widths[i];
    const Value windows = reshape(graph, y, Shape{shape[0], steps - width + 1, options_.channels});
    features.push_back(max_over_time(graph, windows, in.lengths, width));
  }
  return {concatenate(graph, features, 1)};
}

}  // namespace firn
