#include "layers/conv2d.h"

#include <fmt/core.h>

#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/conv2d.h"
#include "layers/steps_as_image.h"

namespace firn {

Extent Conv2d::same_pad(const Extent& kernel, const Extent& dilation) {
  return {dilation.h * (kernel.h - 1) / 2, dilation.w * (kernel.w - 1) / 2};
}

Conv2d::Conv2d(Options options) : options_(options) {
  const Options& o = options_;
  const Extent& kernel = o.kernel;
  if (o.in < 1 || o.out < 1 || o.groups < 1 || o.in % o.groups != 0 || o.out % o.groups != 0 ||
      kernel.h < 1 || kernel.w < 1 || o.dilation.h < 1 || o.dilation.w < 1) {
    throw Error(Fault::usage, "conv2d",
                fmt::format("{} to {} channels in {} groups, kernel {}, dilation {}{}", o.in, o.out, o.groups,
                            kernel.text(), o.dilation.text(),
                            o.groups > 0 && (o.in % o.groups != 0 || o.out % o.groups != 0)
                                ? ": the groups must divide both"
                                : ": each is wanted from 1"));
  }
  // The file's first axis: what a convolution gives, and a transposed one reads.
  const Index first = o.transposed ? o.in : o.out, second = (o.transposed ? o.out : o.in) / o.groups;
  const Index fan_in = second * kernel.h * kernel.w;
  const Index fan_out = first / o.groups * kernel.h * kernel.w;
  const real bound = real(1) / std::sqrt(static_cast<real>(fan_in));
  const Shape view{first, second, kernel.h, kernel.w};
  const Shape file = o.steps ? Shape{first, second, kernel.w} : view;
  weight_ = own("weight", Shape{kernel.h, kernel.w, second, first}, Role::weight,
                {Fill::Kind::uniform, bound, fan_in, fan_out}, {file, view, {2, 3, 1, 0}});
  if (o.bias) bias_ = own("bias", Shape{o.out}, Role::bias, {Fill::Kind::uniform, bound});
}

LayerSpec Conv2d::spec() const {
  const Options& o = options_;
  const auto text = [&](const Extent& e) { return o.steps ? std::to_string(e.w) : e.brief(); };
  const Extent usual_pad = o.transposed ? Extent(0) : same_pad(o.kernel, o.dilation);
  return LayerSpec(o.transposed ? "transposed_conv" : "conv")
      .bare("out", o.out)
      .bare("kernel", o.steps ? std::to_string(o.kernel.w) : o.kernel.text())
      .option("stride", text(o.stride), "1")
      .option("dilation", text(o.dilation), "1")
      .option("pad", text(o.pad), text(usual_pad))
      .option("pad_end", text(o.pad_end.value_or(o.pad)), text(o.pad))
      .option("more", text(o.more), "0")
      .option("groups", o.groups, 1)
      .flag("no_bias", !o.bias);
}

Flow Conv2d::build(Graph& graph, Flow in) const {
  const Options& o = options_;
  const Extent end = o.pad_end.value_or(o.pad);
  Value weight = graph.parameter(weight_);
  weight = spread_places(graph, weight, 0, o.dilation.h);
  weight = spread_places(graph, weight, 1, o.dilation.w);
  return over_images(graph, in, [&](Value x) {
    return (o.transposed ? transposed_conv2d : conv2d)(graph, x, weight,
                                                       bias_ ? graph.parameter(bias_) : Value{},
                                                       {.stride_h = o.stride.h,
                                                        .stride_w = o.stride.w,
                                                        .pad_h = o.pad.h,
                                                        .pad_w = o.pad.w,
                                                        .groups = o.groups,
                                                        .more_h = end.h - o.pad.h - o.more.h,
                                                        .more_w = end.w - o.pad.w - o.more.w});
  });
}

}  // namespace firn
