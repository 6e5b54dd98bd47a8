#include "layers/transposed_conv.h"

#include <fmt/core.h>

#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/conv2d.h"
#include "layers/steps_as_image.h"

namespace firn {

TransposedConv::TransposedConv(Options options) : options_(options) {
  const Options& o = options_;
  const Extent& kernel = o.kernel;
  if (o.in < 1 || o.out < 1 || o.groups < 1 || o.in % o.groups != 0 || o.out % o.groups != 0 ||
      kernel.h < 1 || kernel.w < 1 || o.dilation.h < 1 || o.dilation.w < 1) {
    throw Error(
        Fault::usage, "transposed_conv",
        fmt::format("{} to {} channels in {} groups, kernel {}, dilation {}: all are 1 or more, and the "
                    "groups divide both",
                    o.in, o.out, o.groups, kernel.text(), o.dilation.text()));
  }
  // As PyTorch draws them: the numbers of its file's second axis and what is behind it.
  const Index fan_in = o.out / o.groups * kernel.h * kernel.w;
  const Index fan_out = o.in / o.groups * kernel.h * kernel.w;
  const real bound = real(1) / std::sqrt(static_cast<real>(fan_in));
  const Shape view{o.in, o.out / o.groups, kernel.h, kernel.w};
  const Shape file = o.steps ? Shape{o.in, o.out / o.groups, kernel.w} : view;
  weight_ = own("weight", Shape{kernel.h, kernel.w, o.out / o.groups, o.in}, Role::weight,
                {Fill::Kind::uniform, bound, fan_in, fan_out}, {file, view, {2, 3, 1, 0}});
  if (o.bias) bias_ = own("bias", Shape{o.out}, Role::bias, {Fill::Kind::uniform, bound});
}

LayerSpec TransposedConv::spec() const {
  const Options& o = options_;
  const auto text = [&](const Extent& e) { return o.steps ? std::to_string(e.w) : e.brief(); };
  return LayerSpec("transposed_conv")
      .bare("out", o.out)
      .bare("kernel", o.steps ? std::to_string(o.kernel.w) : o.kernel.text())
      .option("stride", text(o.stride), "1")
      .option("dilation", text(o.dilation), "1")
      .option("pad", text(o.pad), "0")
      .option("pad_end", text(o.pad_end.value_or(o.pad)), text(o.pad))
      .option("more", text(o.more), "0")
      .option("groups", o.groups, 1)
      .flag("no_bias", !o.bias);
}

Flow TransposedConv::build(Graph& graph, Flow in) const {
  const Options& o = options_;
  const Extent end = o.pad_end.value_or(o.pad);
  Value weight = graph.parameter(weight_);
  weight = spread_places(graph, weight, 0, o.dilation.h);
  weight = spread_places(graph, weight, 1, o.dilation.w);
  return over_images(graph, in, [&](Value x) {
    return transposed_conv2d(graph, x, weight, bias_ ? graph.parameter(bias_) : Value{},
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
