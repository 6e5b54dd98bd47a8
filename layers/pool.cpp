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

std::string window_text(std::string_view name, const WindowOptions& o) {
  std::string text = fmt::format("{}({}", name, o.kernel.text());
  if (!o.stride.is(0)) text += ", stride " + o.stride.brief();
  if (!o.pad.is(0)) text += ", pad " + o.pad.brief();
  return text + (o.ceil ? ", ceil)" : ")");
}

}  // namespace

std::string MaxPool2d::text() const {
  return window_text("MaxPool2d", options_);
}

Flow MaxPool2d::build(Graph& graph, Flow in) const {
  in.x = max_pool(graph, in.x, lowered(options_));
  return in;
}

std::string AveragePool2d::text() const {
  return window_text("AveragePool2d", options_);
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
