#include "layers/residual.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/rearrange.h"

namespace firn {

Residual::Residual(Options options) : activation_(options.activation) {
  adopt({}, std::move(options.body));
  if (options.shortcut) adopt("shortcut", std::move(options.shortcut));
}

LayerSpec Residual::spec() const {
  LayerSpec spec("residual");
  spec.option("activation", std::string(activation_name(activation_)), "relu");
  for (const Child& child : children()) spec.body(child.name, layers_of(*child.layer));
  return spec;
}

Flow Residual::build(Graph& graph, Flow in) const {
  const Value shortcut = children().size() > 1 ? children()[1].build(graph, in).x : in.x;
  Flow out = children()[0].build(graph, in);
  if (out.x.shape() != shortcut.shape()) {
    const bool image = out.x.shape().rank() == 4;
    const std::string where = graph.label().empty() ? "" : fmt::format(" (layer {})", graph.label());
    throw Error(
        Fault::usage, "residual",
        fmt::format("its layers give {}, what goes round them {}: a shortcut {{ {} }} behind it, with the "
                    "layers' stride, makes them alike{}",
                    out.x.shape().tail(1).text(), shortcut.shape().tail(1).text(),
                    fmt::format("{} {}{}", image ? "conv" : "dense", out.x.shape()[-1], image ? " 1x1" : ""),
                    where));
  }
  out.x = add(graph, out.x, shortcut);
  if (activation_ != Activation::none) out.x = activate(graph, activation_, out.x);
  return out;
}

StridedPad::StridedPad(Options options) : options_(options) {
  if (options.stride < 1 || options.before < 0 || options.behind < 0)
    throw Error(
        Fault::usage, "strided_pad",
        fmt::format(
            "stride {}, {} channels before and {} behind: wanted are a stride from 1 and channels from 0",
            options.stride, options.before, options.behind));
}

LayerSpec StridedPad::spec() const {
  return LayerSpec("strided_pad")
      .bare("stride", options_.stride)
      .option("before", options_.before, 0)
      .option("behind", options_.behind, 0);
}

Flow StridedPad::build(Graph& graph, Flow in) const {
  for (const int axis : {1, 2}) {
    if (options_.stride > 1) in.x = slice(graph, in.x, axis, 0, in.x.shape()[axis], options_.stride);
  }
  if (options_.before + options_.behind > 0) in.x = pad(graph, in.x, 3, options_.before, options_.behind);
  return in;
}

}  // namespace firn
