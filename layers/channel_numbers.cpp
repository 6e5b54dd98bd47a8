#include "layers/channel_numbers.h"

#include <fmt/format.h>

#include "engine/base/error.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/channel_scale.h"

namespace firn {

LayerSpec Affine::spec() const {
  if (summand_ == 0) return LayerSpec("times").bare("factor", exact_text(factor_));
  return LayerSpec("plus").bare("summand", exact_text(summand_));
}

Flow Affine::build(Graph& graph, Flow in) const {
  if (factor_ != 1) in.x = scale(graph, in.x, factor_);
  if (summand_ != 0) {
    Tensor row(Shape{in.x.shape()[-1]});
    row.fill(summand_);
    in.x = add(graph, in.x, graph.constant("summand", row));
  }
  return in;
}

ChannelParameter::ChannelParameter(Kind kind, Index channels, Shape file) : kind_(kind), file_(file) {
  const Shape row{channels};
  if (file.rank() > 0 && file.count() != channels) {
    throw Error(Fault::usage, "channels",
                fmt::format("{} numbers as {}: another number of elements", channels, file.text()));
  }
  const bool scales = kind == Kind::scale;
  numbers_ =
      own("", row, scales ? Role::norm : Role::bias, {Fill::Kind::constant, scales ? real(1) : real(0)},
          file.rank() > 0 ? FileLayout{file, row, {0}} : FileLayout{});
}

LayerSpec ChannelParameter::spec() const {
  LayerSpec spec(kind_ == Kind::scale ? "scale" : "shift");
  if (file_.rank() > 0) spec.option("as", fmt::format("{}", fmt::join(file_.sizes(), "x")), "");
  return spec;
}

Flow ChannelParameter::build(Graph& graph, Flow in) const {
  const Value numbers = graph.parameter(numbers_);
  in.x = kind_ == Kind::scale ? multiply_row(graph, in.x, numbers) : add(graph, in.x, numbers);
  return in;
}

}  // namespace firn
