#include "layers/dense.h"

#include <fmt/core.h>

#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/dense.h"
#include "engine/ops/rearrange.h"

namespace firn {

Dense::Dense(Options options) : options_(options) {
  const Index in = options_.in;
  const Index out = options_.out;
  const bool image = options_.image.rank() > 0;
  if (in < 1 || out < 1 || (image && (options_.image.rank() != 3 || options_.image.count() != in))) {
    throw Error(Fault::usage, "dense",
                image ? fmt::format("{} inputs are no image {}", in, options_.image.text())
                      : fmt::format("{} inputs and {} outputs", in, out));
  }
  FileLayout layout{Shape{out, in}, Shape{out, in}, {1, 0}};
  if (image) {
    const Shape& hwc = options_.image;
    layout = {Shape{out, in}, Shape{out, hwc[2], hwc[0], hwc[1]}, {2, 3, 1, 0}};
  }
  const real bound = real(1) / std::sqrt(static_cast<real>(in));
  const Fill uniform{Fill::Kind::uniform, bound};
  weight_ = own("weight", Shape{in, out}, Role::weight, {Fill::Kind::uniform, bound, in, out}, layout,
                &transposed_);
  if (options_.bias) bias_ = own("bias", Shape{out}, Role::bias, uniform);
}

LayerSpec Dense::spec() const {
  return LayerSpec("dense").bare("out", options_.out).flag("no_bias", !options_.bias);
}

Flow Dense::build(Graph& graph, Flow in) const {
  const Value weight = graph.parameter(weight_);
  in.x = dense(graph, in.x, transposed_ ? permute(graph, weight, {1, 0}) : weight,
               bias_ ? graph.parameter(bias_) : Value{});
  return in;
}

}  // namespace firn
