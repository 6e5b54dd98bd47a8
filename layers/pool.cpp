#include "layers/pool.h"

#include <fmt/core.h>

#include "engine/ops/pool.h"

namespace firn {

namespace {

PoolOptions lowered(const WindowOptions& o) {
  return {.kernel_h = o.kernel.h,
          .kernel_w = o.kernel.w,
          .stride_h = o.stride.h,
          .stride_w = o.stride.w,
          .pad_h = o.pad.h,
          .pad_w = o.pad.w,
          .ceil = o.ceil,
          .count_padding = o.count_padding};
}

LayerSpec window_spec(const char* kind, const WindowOptions& o) {
  LayerSpec spec(kind);
  spec.bare("kernel", o.kernel.brief())
      .option("stride", o.stride.is(0) ? o.kernel.brief() : o.stride.brief(), o.kernel.brief())
      .option("pad", o.pad.brief(), "0")
      .flag("ceil", o.ceil);
  return spec;
}

}  // namespace

LayerSpec MaxPool2d::spec() const {
  return window_spec("pool", options_);
}

Flow MaxPool2d::build(Graph& graph, Flow in) const {
  in.x = max_pool(graph, in.x, lowered(options_));
  return in;
}

LayerSpec AveragePool2d::spec() const {
  return window_spec("average_pool", options_).flag("without_padding", !options_.count_padding);
}

Flow AveragePool2d::build(Graph& graph, Flow in) const {
  in.x = average_pool(graph, in.x, lowered(options_));
  return in;
}

Flow GlobalAveragePool::build(Graph& graph, Flow in) const {
  in.x = global_average_pool(graph, in.x);
  return in;
}

}  // namespace firn
