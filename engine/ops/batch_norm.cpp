#include "engine/ops/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "engine/kernels/kernels.h"
#include "engine/ops/activation.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"
#include "engine/ops/epilogue.h"
#include "engine/ops/merged_moments.h"
#include "engine/ops/parts.h"
#include "engine/ops/registry_rows.h"

namespace firn {

namespace {

void require_channels(const std::string& where, const Shape& x, std::span<const Spec> parameters) {
  if (x.rank() < 2) shape_error("batch_norm", where, fmt::format("input {} must be (...,C)", x.text()));
  for (const Spec& p : parameters) {
    if (p.shape != Shape{x[-1]}) {
      shape_error(
          "batch_norm", where,
          fmt::format("input {} has {} channels, a parameter is {}", x.text(), x[-1], p.shape.text()));
    }
  }
}

/// Gradients of gamma and beta from those of scale and shift. Inputs: dscale, dshift, mean, variance.
class CoefficientsGradient final : public Op {
 public:
  explicit CoefficientsGradient(real epsilon) : epsilon_(epsilon) {}
  Description describe() const override {
    return {"norm_coefficients_gradient", "dgamma[c] = (dscale[c] - mean[c] dshift[c]) / √(variance[c] + ε)"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    for (Index c = 0; c < call.out_count(); ++c) {
      const real inverse_std = 1 / std::sqrt(call.in(3)[c] + epsilon_);
      call.out()[c] = (call.in(0)[c] - call.in(1)[c] * call.in(2)[c]) * inverse_std;
    }
  }

 private:
  real epsilon_;
};

/// Inputs: gamma, beta, mean, variance.
class Coefficients final : public Op {
 public:
  explicit Coefficients(real epsilon) : epsilon_(epsilon) {}
  Description describe() const override {
    return {"norm_coefficients",
            "scale[c] = gamma[c] / √(variance[c] + ε), shift[c] = beta[c] - mean[c] scale[c]",
            Attributes().add("epsilon", static_cast<double>(epsilon_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0], inputs[0]};
  }
  void run(const Call& call) const override {
    for (Index c = 0; c < call.out_count(); ++c) {
      const real scale = call.in(0)[c] / std::sqrt(call.in(3)[c] + epsilon_);
      call.out(0)[c] = scale;
      call.out(1)[c] = call.in(1)[c] - call.in(2)[c] * scale;
    }
  }
  void gradient(Gradients& g) const override {
    // d gamma = (dscale - dshift * mean) / std, d beta = dshift.
    if (g.wants(0)) {
      g.set(0, g.graph().add(std::make_shared<CoefficientsGradient>(epsilon_),
                             {g.dy(0), g.dy(1), g.input(2), g.input(3)}));
    }
    if (g.wants(1)) g.set(1, g.dy(1));
  }

 private:
  real epsilon_;
};

/// Inputs: dy, x. The sum over rows of dy * x.
class ScaleGradient final : public Op {
 public:
  Description describe() const override {
    return {"affine_dscale", "dshift[c] = Σ_r dy[r,c], dscale[c] = Σ_r dy[r,c] x[r,c]"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{2, inputs[0].shape[-1]}, DType::number, Axis::slice}};
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }
  void run(const Call& call) const override;
};

/// What the affine kernels apply behind scale and shift: a residual and a ReLU, and nothing else.
bool affine_takes(const EpilogueForm& form) {
  return form.activation == Activation::none || form.activation == Activation::relu;
}

/// y = x * scale + shift by channel, and what is pulled in behind. Inputs: x, scale, shift, residual if any.
class Affine final : public WithEpilogue {
 public:
  explicit Affine(EpilogueForm form = {.scale = 1, .shift = 2}) : WithEpilogue(form) {}
  Description describe() const override {
    return {"affine", "y[r,c] = x[r,c] scale[c] + shift[c]", form_.attributes()};
  }
  bool takes(const EpilogueForm& form) const override { return affine_takes(form); }
  std::shared_ptr<const Op> with(const EpilogueForm& form) const override {
    return std::make_shared<Affine>(form);
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_channels(where, inputs[0].shape, inputs.subspan(1));
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Index c = call.in_shape(0)[-1];
    const Epilogue epilogue = form_.bind(call);
    call.kernels.norm.affine(rows_of(call, 0), c, call.in(0), epilogue.scale, epilogue.shift,
                             epilogue.residual, epilogue.activation == Activation::relu, call.out());
  }
  void gradient(Gradients& g) const override;
  Traits traits() const override {
    return {.recomputable = true, .in_place = {0}, .narrowing = Narrowing::passes};
  }
};

/// Inputs: dy, scale.
class AffineDx final : public Op {
 public:
  Description describe() const override { return {"affine_dx", "dx[r,c] = dy[r,c] scale[c]"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Index c = call.in_shape(0)[-1];
    call.kernels.norm.affine(rows_of(call, 0), c, call.in(0), call.in(1), nullptr, nullptr, false,
                             call.out());
  }
  Traits traits() const override { return {.in_place = {0}, .narrowing = Narrowing::passes}; }
};

class PickRow final : public Op {
 public:
  explicit PickRow(int row) : row_(row) {}
  Description describe() const override { return {"pick_row", fmt::format("y[c] = x[{},c]", row_)}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{inputs[0].shape.tail(1), DType::number, Axis::none}};
  }
  void run(const Call& call) const override {
    const Index c = call.out_count();
    call.kernels.elementwise.axpby(c, 1, call.in(0) + row_ * c, 0, call.out());
  }

 private:
  int row_;
};

void ScaleGradient::run(const Call& call) const {
  const Index c = call.in_shape(0)[-1];
  call.kernels.norm.gradient_sums(rows_of(call, 0), c, call.in(1), nullptr, nullptr, call.in(0), {},
                                  call.out(), call.out() + c);
}

void Affine::gradient(Gradients& g) const {
  Graph& graph = g.graph();
  if (g.wants(0)) g.set(0, graph.add(std::make_shared<AffineDx>(), {g.dy(), g.input(1)}));
  // The scale is a function of gamma alone, so that beta may train without x being kept.
  const Value gamma = g.input(1).node->inputs()[0];
  if (graph.depends_on_trainable(gamma)) {
    const Value sums =
        reduce_parts(graph, graph.add(std::make_shared<ScaleGradient>(), {g.dy(), g.input(0)}));
    g.set(1, graph.add(std::make_shared<PickRow>(1), {sums}));
    if (g.wants(2)) g.set(2, graph.add(std::make_shared<PickRow>(0), {sums}));
  } else if (g.wants(2)) {
    g.set(2, column_sum(graph, g.dy(), g.input(2).shape()));
  }
}

/// Mean, its rest and the sum of squared differences of each slice: (3,C) a part.
class Moments final : public Op {
 public:
  Description describe() const override {
    return {"moments",
            "of each slice of the batch: mean[c] = Σ_r x[r,c] / rows, m2[c] = Σ_r (x[r,c] - mean[c])²"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{3, inputs[0].shape[-1]}, DType::number, Axis::slice}};
  }
  Traits traits() const override { return {.differentiable = false, .narrowing = Narrowing::passes}; }
  void run(const Call& call) const override {
    const Index c = call.in_shape(0)[-1];
    call.kernels.norm.moments(rows_of(call, 0), c, call.in(0), call.out(), call.out() + c,
                              call.out() + 2 * c);
  }
};

/// Statistics of the batch from those of its slices.
/// Input: parts (3,C). Outputs: mean, inverse standard deviation, unbiased variance, and what the mean is off
/// by for being rounded; each (C).
class Statistics final : public Op {
 public:
  Statistics(real epsilon, Index batch, Index rows_of_sample)
      : epsilon_(epsilon), batch_(batch), rows_of_sample_(rows_of_sample) {}
  Description describe() const override {
    return {"batch_statistics",
            "mean[c] and m2[c] of the batch from those of its slices, inverse_std[c] = 1 / √(m2[c] / rows + "
            "ε), unbiased variance[c] = m2[c] / (rows - 1)",
            Attributes()
                .add("epsilon", static_cast<double>(epsilon_))
                .add("batch", batch_)
                .add("rows_of_sample", rows_of_sample_)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Spec row{inputs[0].shape.tail(1), DType::number, Axis::none};
    return {row, row, row, row};
  }
  Traits traits() const override { return {.differentiable = false}; }
  void run(const Call& call) const override {
    const Index c = call.out_count();
    for (Index i = 0; i < c; ++i) {
      MergedMoments all;
      for (Index s = 0; s < call.slices; ++s) {
        const Index samples = std::min(call.slice_rows, batch_ - s * call.slice_rows);
        const real* part = call.in(0) + s * 3 * c;
        all.add(samples * rows_of_sample_, static_cast<double>(part[i]) + static_cast<double>(part[c + i]),
                static_cast<double>(part[2 * c + i]));
      }
      const auto mean = static_cast<real>(all.mean);
      const double outputs[] = {all.mean, 1 / std::sqrt(all.m2 / all.count + static_cast<double>(epsilon_)),
                                all.count > 1 ? all.m2 / (all.count - 1) : all.m2,
                                all.mean - static_cast<double>(mean)};
      for (int k = 0; k < 4; ++k) {
        if (call.out(k) != nullptr) call.out(k)[i] = static_cast<real>(outputs[k]);
      }
    }
  }

 private:
  real epsilon_;
  Index batch_;
  Index rows_of_sample_;
};

/// y = (x - mean) * scale + shift of a training batch norm: its gamma, beta, mean, inverse_std and the mean's
/// rest are the call's inputs from `gamma` on; scale and shift (C) lie in the scratch. The difference comes
/// first, so that a mean far from zero takes nothing from it.
Gate normalisation(const Call& call, int gamma) {
  const Index channels = call.in_shape(gamma)[0];
  real* const scale = call.scratch;
  real* const shift = call.scratch + channels;
  for (Index c = 0; c < channels; ++c) {
    scale[c] = call.in(gamma)[c] * call.in(gamma + 3)[c];
    shift[c] = call.in(gamma + 1)[c] - call.in(gamma + 4)[c] * scale[c];
  }
  return {call.in(gamma + 2), scale, shift};
}

/// Inputs: running, batch.
class RunningUpdate final : public Op {
 public:
  explicit RunningUpdate(real momentum) : momentum_(momentum) {}
  Description describe() const override {
    return {"running_update", "running = (1 - momentum) running + momentum · batch",
            Attributes().add("momentum", static_cast<double>(momentum_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0]};
  }
  Traits traits() const override { return {.differentiable = false, .in_place = {0}}; }
  void run(const Call& call) const override {
    for (Index i = 0; i < call.out_count(); ++i) {
      call.out()[i] = (1 - momentum_) * call.in(0)[i] + momentum_ * call.in(1)[i];
    }
  }

 private:
  real momentum_;
};

/// The ReLU behind a training batch norm, where its gradient is taken by who reads it: a function of x, so
/// that y need not be there.
Gate relu_gate(const Call& call, bool relu, int gamma) {
  return relu ? normalisation(call, gamma) : Gate();
}

Index gate_scratch(const Node& node, bool relu) {
  return relu ? 2 * node.inputs()[0].shape()[-1] : 0;
}

/// Inputs: x, mean, inverse_std, dy; with a ReLU behind the batch norm gamma, beta, mean, inverse_std, rest.
/// Parts (2,C): sums of dy and of dy * xhat.
class TrainSums final : public WithGate {
 public:
  explicit TrainSums(bool relu = false) : relu_(relu) {}
  Description describe() const override {
    return {"batch_norm_sums",
            "dbeta[c] = Σ_r dy[r,c], dgamma[c] = Σ_r dy[r,c] xhat[r,c], xhat = (x - mean) inverse_std",
            Attributes().add("gated", relu_, relu_ ? "of relu" : "")};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{2, inputs[0].shape[-1]}, DType::number, Axis::slice}};
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }
  void run(const Call& call) const override {
    const Index c = call.in_shape(0)[-1];
    call.kernels.norm.gradient_sums(rows_of(call, 0), c, call.in(0), call.in(1), call.in(2), call.in(3),
                                    relu_gate(call, relu_, 4), call.out(), call.out() + c);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, gate_scratch(node, relu_)};
  }
  int gradient_input() const override { return relu_ ? -1 : 3; }
  std::shared_ptr<const Op> with_gate() const override { return std::make_shared<TrainSums>(true); }

 private:
  bool relu_;
};

/// Inputs: sums (2,C), gamma, mean, inverse_std. Output (3,C): a, b, d of `TrainDx` (Ioffe and Szegedy 2015,
/// section 3).
class DxCoefficients final : public Op {
 public:
  explicit DxCoefficients(Index rows) : rows_(rows) {}
  Description describe() const override {
    return {"batch_norm_dx_coefficients",
            "a = gamma inverse_std, b = -a inverse_std dgamma / m, d = -a dbeta / m - b mean; m rows"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{3, inputs[1].shape[0]}, DType::number, Axis::none}};
  }
  void run(const Call& call) const override {
    const Index channels = call.out_shape()[1];
    const auto m = static_cast<double>(rows_);
    for (Index c = 0; c < channels; ++c) {
      const double inverse_std = call.in(3)[c];
      const double a = call.in(1)[c] * inverse_std;
      const auto b = static_cast<real>(-a * inverse_std * call.in(0)[channels + c] / m);
      call.out()[c] = static_cast<real>(a);
      call.out()[channels + c] = b;
      call.out()[2 * channels + c] =
          static_cast<real>(-a * call.in(0)[c] / m - static_cast<double>(b) * call.in(2)[c]);
    }
  }

 private:
  Index rows_;
};

/// Inputs: x, dy, coefficients (3,C); with a ReLU behind the batch norm gamma, beta, mean, inverse_std,
/// rest.
class TrainDx final : public WithGate {
 public:
  explicit TrainDx(bool relu = false) : relu_(relu) {}
  Description describe() const override {
    return {"batch_norm_dx",
            "dx[r,c] = a[c] dy[r,c] + b[c] x[r,c] + d[c], which is gamma inverse_std (dy - dbeta / m - xhat "
            "dgamma / m)",
            Attributes().add("gated", relu_, relu_ ? "of relu" : "")};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[1]};
  }
  void run(const Call& call) const override {
    const Index c = call.in_shape(0)[-1];
    const real* k = call.in(2);
    call.kernels.norm.gradient_apply(rows_of(call, 0), c, call.in(0), call.in(1), relu_gate(call, relu_, 3),
                                     k, k + c, k + 2 * c, call.out());
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, gate_scratch(node, relu_)};
  }
  int gradient_input() const override { return relu_ ? -1 : 1; }
  std::shared_ptr<const Op> with_gate() const override { return std::make_shared<TrainDx>(true); }
  Traits traits() const override { return {.in_place = {1}, .narrowing = Narrowing::passes}; }

 private:
  bool relu_;
};

/// Inputs: x, gamma, beta, mean, inverse_std, rest. Its gradient is that of the whole batch norm: mean and
/// inverse_std are functions of x.
class Normalise final : public WithEpilogue {
 public:
  // Scale and shift stand for the terms that are taken; they are computed in the scratch.
  explicit Normalise(EpilogueForm form = {.scale = 1, .shift = 2}) : WithEpilogue(form) {}
  Description describe() const override {
    EpilogueForm behind = form_;
    behind.scale = behind.shift = -1;
    return {"batch_norm", "y[r,c] = (x[r,c] - mean[c]) inverse_std[c] gamma[c] + beta[c]",
            behind.attributes()};
  }
  bool takes(const EpilogueForm& form) const override { return affine_takes(form); }
  std::shared_ptr<const Op> with(const EpilogueForm& form) const override {
    return std::make_shared<Normalise>(form);
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_channels(where, inputs[0].shape, inputs.subspan(1));
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Index channels = call.in_shape(0)[-1];
    const Gate form = normalisation(call, 1);
    call.kernels.norm.normalise(rows_of(call, 0), channels, call.in(0), form.center, form.scale, form.shift,
                                form_.bind(call).residual, form_.activation == Activation::relu, call.out());
  }
  Traits traits() const override { return {.recomputable = true, .narrowing = Narrowing::passes}; }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, 2 * node.outputs()[0].shape[-1]};
  }
  void gradient(Gradients& g) const override {
    Graph& graph = g.graph();
    const Value x = g.input(0);
    const Value mean = g.input(3);
    const Value inverse_std = g.input(4);
    const Value sums =
        reduce_parts(graph, graph.add(std::make_shared<TrainSums>(), {x, mean, inverse_std, g.dy()}));
    if (g.wants(1)) g.set(1, graph.add(std::make_shared<PickRow>(1), {sums}));
    if (g.wants(2)) g.set(2, graph.add(std::make_shared<PickRow>(0), {sums}));
    if (g.wants(0)) {
      const Index rows = x.shape().count() / x.shape()[-1];
      const Value k =
          graph.add(std::make_shared<DxCoefficients>(rows), {sums, g.input(1), mean, inverse_std});
      g.set(0, graph.add(std::make_shared<TrainDx>(), {x, g.dy(), k}));
    }
  }
};

}  // namespace

void add_norm_kinds(std::vector<OperationKind>& rows) {
  using Inputs = std::span<const Value>;
  rows.insert(rows.end(),
              {{"norm_coefficients",
                [](Graph& g, const Attributes& a, Inputs in) {
                  return g.add(std::make_shared<Coefficients>(static_cast<real>(a.get<double>("epsilon"))),
                               {in.begin(), in.end()});
                }},
               {"affine",
                [](Graph& g, const Attributes&, Inputs in) {
                  return g.add(std::make_shared<Affine>(), {in.begin(), in.end()});
                }},
               {"moments",
                [](Graph& g, const Attributes&, Inputs in) {
                  return g.add(std::make_shared<Moments>(), {in.begin(), in.end()});
                }},
               {"batch_statistics",
                [](Graph& g, const Attributes& a, Inputs in) {
                  return g.add(
                      std::make_shared<Statistics>(static_cast<real>(a.get<double>("epsilon")),
                                                   a.get<Index>("batch"), a.get<Index>("rows_of_sample")),
                      {in.begin(), in.end()});
                }},
               {"running_update",
                [](Graph& g, const Attributes& a, Inputs in) {
                  return g.add(std::make_shared<RunningUpdate>(static_cast<real>(a.get<double>("momentum"))),
                               {in.begin(), in.end()});
                }},
               {"batch_norm", [](Graph& g, const Attributes&, Inputs in) {
                  return g.add(std::make_shared<Normalise>(), {in.begin(), in.end()});
                }}});
}

Value batch_norm_frozen(Graph& graph, Value x, Value gamma, Value beta, Value mean, Value variance,
                        real epsilon) {
  const Value scale = graph.add(std::make_shared<Coefficients>(epsilon), {gamma, beta, mean, variance});
  return graph.add(std::make_shared<Affine>(), {x, scale, Value{scale.node, 1}});
}

Value batch_norm_train(Graph& graph, Value x, Value gamma, Value beta, const ParameterPtr& running_mean,
                       const ParameterPtr& running_variance, real epsilon, real momentum) {
  if (x.shape().rank() < 2 || x.spec().axis != Axis::batch) {
    shape_error("batch_norm", graph.label(),
                fmt::format("input {} must be a batch (N,...,C)", x.shape().text()));
  }
  if (x.shape().count() == x.shape()[-1]) {
    shape_error(
        "batch_norm", graph.label(),
        fmt::format("input {} has one value a channel, and one has no deviation to normalise by: batches "
                    "of two samples or more are wanted, or this layer frozen",
                    x.shape().text()));
  }
  const Value moments = graph.add(std::make_shared<Moments>(), {x});
  const Index rows_of_sample = x.shape().count_from(1) / std::max<Index>(1, x.shape()[-1]);
  const Value mean =
      graph.add(std::make_shared<Statistics>(epsilon, x.shape()[0], rows_of_sample), {moments});
  const Value variance{mean.node, 2};
  const Value y = graph.add(std::make_shared<Normalise>(),
                            {x, gamma, beta, mean, Value{mean.node, 1}, Value{mean.node, 3}});
  if (running_mean) {
    const auto update = std::make_shared<RunningUpdate>(momentum);
    graph.assign(running_mean, graph.add(update, {graph.parameter(running_mean), mean}));
    graph.assign(running_variance, graph.add(update, {graph.parameter(running_variance), variance}));
  }
  return y;
}

}  // namespace firn
