#include "engine/ops/channel_scale.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"

namespace firn {

namespace {

class MultiplyRow final : public Op {
 public:
  Description describe() const override { return {"multiply_row", "y[r,c] = x[r,c] f[c]"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    const Shape& x = inputs[0].shape;
    if (x.rank() < 1 || inputs[1].shape != Shape{x[-1]} || inputs[1].axis != Axis::none) {
      shape_error(name(), where,
                  fmt::format("{} is no factor for each of the last dimension of {}", inputs[1].shape.text(),
                              x.text()));
    }
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Index columns = call.in_shape(1)[0];
    const Index rows = columns > 0 ? call.out_count() / columns : 0;
    for (Index r = 0; r < rows; ++r)
      call.kernels.elementwise.multiply(columns, call.in(0) + r * columns, call.in(1),
                                        call.out() + r * columns);
  }
  void gradient(Gradients& g) const override {
    if (g.wants(0)) g.set(0, multiply_row(g.graph(), g.dy(), g.input(1)));
    if (g.wants(1))
      g.set(1, column_sum(g.graph(), multiply(g.graph(), g.dy(), g.input(0)), g.input(1).shape()));
  }
  Traits traits() const override { return {.in_place = {0}, .narrowing = Narrowing::passes}; }
};

/// A sample's places: (N,places,C).
struct Places {
  Index places, channels;
};
Places places_of(const Shape& x) {
  return {x.count_from(1) / std::max<Index>(1, x[-1]), x[-1]};
}

/// Inputs: a, b (N,...,C), seen as (N,P,C).
class ChannelProducts final : public Op {
 public:
  Description describe() const override { return {"channel_products", "y[n,c] = Σ_p a[n,p,c] b[n,p,c]"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_same(name(), where, inputs[0].shape, inputs[1].shape);
    return {{Shape{inputs[0].shape[0], inputs[0].shape[-1]}, DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const auto [places, channels] = places_of(call.in_shape(0));
    std::fill_n(call.out(), call.out_count(), real(0));
    for (Index n = 0; n < call.rows; ++n) {
      real* y = call.out() + n * channels;
      for (Index p = 0; p < places; ++p) {
        const Index at = (n * places + p) * channels;
        const real* a = call.in(0) + at;
        const real* b = call.in(1) + at;
        for (Index c = 0; c < channels; ++c) y[c] += a[c] * b[c];
      }
    }
  }
  Traits traits() const override { return {.differentiable = false, .narrowing = Narrowing::passes}; }
};

class MultiplyChannels final : public Op {
 public:
  Description describe() const override { return {"multiply_channels", "y[n,p,c] = x[n,p,c] f[n,c]"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    const Shape& x = inputs[0].shape;
    if (x.rank() < 2 || inputs[1].shape != Shape{x[0], x[-1]} || inputs[0].axis != inputs[1].axis) {
      shape_error(name(), where,
                  fmt::format("{} is no factor for each channel of each sample of {}", inputs[1].shape.text(),
                              x.text()));
    }
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const auto [places, channels] = places_of(call.in_shape(0));
    for (Index n = 0; n < call.rows; ++n) {
      for (Index p = 0; p < places; ++p) {
        const Index at = (n * places + p) * channels;
        call.kernels.elementwise.multiply(channels, call.in(0) + at, call.in(1) + n * channels,
                                          call.out() + at);
      }
    }
  }
  void gradient(Gradients& g) const override {
    if (g.wants(0)) g.set(0, multiply_channels(g.graph(), g.dy(), g.input(1)));
    if (g.wants(1)) g.set(1, g.graph().add(std::make_shared<ChannelProducts>(), {g.dy(), g.input(0)}));
  }
  Traits traits() const override { return {.in_place = {0}, .narrowing = Narrowing::passes}; }
};

}  // namespace

Value multiply_row(Graph& graph, Value x, Value factor) {
  return graph.add(std::make_shared<MultiplyRow>(), {x, factor});
}

Value multiply_channels(Graph& graph, Value x, Value factor) {
  return graph.add(std::make_shared<MultiplyChannels>(), {x, factor});
}

}  // namespace firn
