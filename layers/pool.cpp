#include "layers/pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/reduce.h"
#include "layers/steps_as_image.h"

namespace firn {

namespace {

PoolOptions lowered(const WindowOptions& o) {
  const Extent end = o.pad_end.value_or(o.pad);
  return {.kernel_h = o.kernel.h,
          .kernel_w = o.kernel.w,
          .stride_h = o.stride.h,
          .stride_w = o.stride.w,
          .pad_h = o.pad.h,
          .pad_w = o.pad.w,
          .ceil = o.ceil,
          .count_padding = o.count_padding,
          .more_h = end.h - o.pad.h,
          .more_w = end.w - o.pad.w};
}

LayerSpec window_spec(const char* kind, const WindowOptions& o) {
  LayerSpec spec(kind);
  const auto text = [&](const Extent& e) { return o.steps ? std::to_string(e.w) : e.brief(); };
  spec.bare("kernel", text(o.kernel))
      .option("stride", text(o.stride.w == 0 ? o.kernel : o.stride), text(o.kernel))
      .option("pad", text(o.pad), "0")
      .option("pad_end", text(o.pad_end.value_or(o.pad)), text(o.pad))
      .flag("ceil", o.ceil);
  return spec;
}

}  // namespace

LayerSpec MaxPool2d::spec() const {
  return window_spec("pool", options_);
}

Flow MaxPool2d::build(Graph& graph, Flow in) const {
  return over_images(graph, in, [&](Value x) { return max_pool(graph, x, lowered(options_)); });
}

LayerSpec AveragePool2d::spec() const {
  return window_spec("average_pool", options_).flag("without_padding", !options_.count_padding);
}

Flow AveragePool2d::build(Graph& graph, Flow in) const {
  return over_images(graph, in, [&](Value x) { return average_pool(graph, x, lowered(options_)); });
}

Flow AdaptivePool::build(Graph& graph, Flow in) const {
  return {adaptive_average_pool(graph, in.x, size_.h, size_.w)};
}

OverAxes::OverAxes(Kind kind, std::vector<Index> axes) : kind_(kind), axes_(std::move(axes)) {
  std::sort(axes_.begin(), axes_.end());
  const bool twice = std::adjacent_find(axes_.begin(), axes_.end()) != axes_.end();
  if (axes_.empty() || axes_.front() < 1 || twice)
    throw Error(Fault::usage, "over",
                fmt::format("axes {}: wanted are some from 1, each once", fmt::join(axes_, " ")));
}

LayerSpec OverAxes::spec() const {
  return LayerSpec(kind_ == Kind::mean ? "mean" : "max")
      .option("over", fmt::format("{}", fmt::join(axes_, " ")), {});
}

Flow OverAxes::build(Graph& graph, Flow in) const {
  const Shape x = in.x.shape();
  if (axes_.back() >= x.rank() || static_cast<int>(axes_.size()) + 1 >= x.rank()) {
    throw Error(Fault::usage, "over",
                fmt::format("axes {} of samples {}: one at least is left (layer {})", fmt::join(axes_, " "),
                            x.tail(1).text(), graph.label()));
  }
  if (in.lengths && axes_.front() == 1 && kind_ == Kind::greatest && x.rank() == 3)
    return {max_over_time(graph, in.x, in.lengths)};
  if (in.lengths)
    throw Error(Fault::usage, "over",
                fmt::format("sequences of one length are wanted (layer {})", graph.label()));
  // The axes that go come first, as one.
  std::vector<int> order{0};
  std::vector<Index> left{x[0]};
  Index places = 1;
  for (const Index axis : axes_) {
    order.push_back(static_cast<int>(axis));
    places *= x[static_cast<int>(axis)];
  }
  for (int axis = 1; axis < x.rank(); ++axis) {
    if (std::find(axes_.begin(), axes_.end(), axis) != axes_.end()) continue;
    order.push_back(axis);
    left.push_back(x[axis]);
  }
  const Shape rest{std::span<const Index>(left)};
  const Value rows = reshape(graph, permute(graph, in.x, order), Shape{x[0], places, rest.count_from(1)});
  const Value y = kind_ == Kind::mean ? mean_over(graph, rows, 1) : max_over_time(graph, rows);
  return {reshape(graph, y, rest)};
}

Flow GlobalAveragePool::build(Graph& graph, Flow in) const {
  in.x = global_average_pool(graph, in.x);
  return in;
}

}  // namespace firn
