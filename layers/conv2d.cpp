#include "layers/conv2d.h"

#include <fmt/core.h>

#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/conv2d.h"

namespace firn {

Conv2d::Conv2d(Options options) : options_(options) {
  const auto& [in, out, kernel, stride, pad, groups, bias] = options_;
  if (in < 1 || out < 1 || groups < 1 || in % groups != 0 || out % groups != 0 || kernel.h < 1 ||
      kernel.w < 1) {
    throw Error(Fault::usage, "conv2d",
                fmt::format("{} to {} channels in {} groups, kernel {}", in, out, groups, kernel.text()));
  }
  const Index fan_in = in / groups * kernel.h * kernel.w;
  const Index fan_out = out / groups * kernel.h * kernel.w;
  const real bound = real(1) / std::sqrt(static_cast<real>(fan_in));
  const Shape file{out, in / groups, kernel.h, kernel.w};
  weight_ = own("weight", Shape{kernel.h, kernel.w, in / groups, out}, Role::weight,
                {Fill::Kind::uniform, bound, fan_in, fan_out}, {file, file, {2, 3, 1, 0}});
  if (bias) bias_ = own("bias", Shape{out}, Role::bias, {Fill::Kind::uniform, bound});
}

LayerSpec Conv2d::spec() const {
  const Extent same{(options_.kernel.h - 1) / 2, (options_.kernel.w - 1) / 2};
  return LayerSpec("conv")
      .bare("out", options_.out)
      .bare("kernel", options_.kernel.text())
      .option("stride", options_.stride.brief(), "1")
      .option("pad", options_.pad.brief(), same.brief())
      .option("groups", options_.groups, 1)
      .flag("no_bias", !options_.bias);
}

Flow Conv2d::build(Graph& graph, Flow in) const {
  in.x = conv2d(graph, in.x, graph.parameter(weight_), bias_ ? graph.parameter(bias_) : Value{},
                {.stride_h = options_.stride.h,
                 .stride_w = options_.stride.w,
                 .pad_h = options_.pad.h,
                 .pad_w = options_.pad.w,
                 .groups = options_.groups});
  return in;
}

}  // namespace firn
