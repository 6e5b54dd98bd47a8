#include "engine/ops/layer_norm.h"

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"
#include "engine/ops/parts.h"

namespace firn {

namespace {

/// Inputs: x, gamma, mean, inverse_std, dy.
class LayerNormDx final : public Op {
 public:
  Description describe() const override {
    return {"layer_norm_dx",
            "dx = inverse_std (g - mean of g - xhat · mean of g xhat), g = dy gamma, xhat = (x - mean) "
            "inverse_std, over each row"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    call.kernels.norm.layer_norm_dx(rows_of(call, 0), call.in_shape(0)[-1], call.in(0), call.in(1),
                                    call.in(2), call.in(3), call.in(4), call.out());
  }
};

/// Inputs: x, mean, inverse_std, dy. Gradient of gamma, as parts of the batch.
class LayerNormDgamma final : public Op {
 public:
  Description describe() const override {
    return {"layer_norm_dgamma", "dgamma[c] = Σ_r dy[r,c] (x[r,c] - mean[r]) inverse_std[r]"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{inputs[0].shape[-1]}, DType::number,
             inputs[0].axis == Axis::batch ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    call.kernels.norm.layer_norm_dparameters(rows_of(call, 0), call.in_shape(0)[-1], call.in(0), call.in(1),
                                             call.in(2), call.in(3), call.out(), nullptr);
  }
};

/// Inputs: x, gamma, beta. Outputs: y, mean, inverse_std.
class LayerNorm final : public Op {
 public:
  explicit LayerNorm(real epsilon) : epsilon_(epsilon) {}
  Description describe() const override {
    return {"layer_norm",
            "y[r,c] = (x[r,c] - mean[r]) inverse_std[r] gamma[c] + beta[c], inverse_std[r] = 1 / "
            "√(variance[r] + ε)",
            Attributes().add("epsilon", static_cast<double>(epsilon_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    for (int i = 1; i < 3; ++i) {
      const Shape& p = inputs[static_cast<std::size_t>(i)].shape;
      if (x.rank() < 2 || p != Shape{x[-1]}) {
        shape_error(name(), where, fmt::format("input {} does not fit parameter {}", x.text(), p.text()));
      }
    }
    std::vector<Index> rows(x.sizes().begin(), x.sizes().end() - 1);
    const Spec row{Shape(std::span<const Index>(rows)), DType::number, inputs[0].axis};
    return {inputs[0], row, row};
  }
  void run(const Call& call) const override {
    call.kernels.norm.layer_norm(rows_of(call, 0), call.in_shape(0)[-1], epsilon_, call.in(0), call.in(1),
                                 call.in(2), call.out(0), call.out(1), call.out(2));
  }
  void gradient(Gradients& g) const override {
    Graph& graph = g.graph();
    const std::vector<Value> kept{g.input(0), g.output(1), g.output(2), g.dy()};
    if (g.wants(0)) {
      g.set(0, graph.add(std::make_shared<LayerNormDx>(), {kept[0], g.input(1), kept[1], kept[2], kept[3]}));
    }
    if (g.wants(1)) g.set(1, reduce_parts(graph, graph.add(std::make_shared<LayerNormDgamma>(), kept)));
    if (g.wants(2)) g.set(2, column_sum(graph, g.dy(), g.input(2).shape()));
  }

 private:
  real epsilon_;
};

}  // namespace

Value layer_norm(Graph& graph, Value x, Value gamma, Value beta, real epsilon) {
  return graph.add(std::make_shared<LayerNorm>(epsilon), {x, gamma, beta});
}

}  // namespace firn
