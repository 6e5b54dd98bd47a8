#include "engine/ops/loss.h"

#include "engine/kernels/kernels.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/check.h"
#include "engine/ops/reduce.h"
#include "engine/ops/registry_rows.h"

namespace firn {

namespace {

CrossEntropy bind(const CrossEntropyOptions& options) {
  return {options.class_weights.empty() ? nullptr : options.class_weights.data(), options.smoothing};
}

/// Inputs: probabilities, labels, dlosses.
class CrossEntropyGradient final : public Op {
 public:
  explicit CrossEntropyGradient(CrossEntropyOptions options) : options_(std::move(options)) {}
  Description describe() const override {
    return {"softmax_cross_entropy_gradient",
            "dx[r,c] = dloss[r] (p[r,c] - t[r,c]), t[r,c] = 1 at the label, else 0 (smoothed and weighted "
            "where asked for)"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    call.kernels.loss.cross_entropy_gradient(bind(options_), rows_of(call, 0), call.in_shape(0)[-1],
                                             call.in(0), call.indices(1), call.in(2), call.out());
  }
  Traits traits() const override { return {.in_place = {0}}; }

 private:
  CrossEntropyOptions options_;
};

/// Inputs: logits, labels. Outputs: losses and weights of the rows, probabilities.
class CrossEntropyRows final : public Op {
 public:
  explicit CrossEntropyRows(CrossEntropyOptions options) : options_(std::move(options)) {}
  Description describe() const override {
    const bool weighted = !options_.class_weights.empty();
    return {"softmax_cross_entropy",
            "p[r,c] = exp(x[r,c]) / Σ_k exp(x[r,k]), loss[r] = -log p[r, label[r]] (smoothed and weighted "
            "where asked for)",
            Attributes()
                .add("smoothing", static_cast<double>(options_.smoothing))
                .add("class_weights",
                     std::vector<double>(options_.class_weights.begin(), options_.class_weights.end()),
                     weighted ? "weighted by class" : "")};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    const Shape& labels = inputs[1].shape;
    require_type(name(), where, inputs[1], DType::int32, "labels");
    if (x.rank() < 2 || Shape(x.sizes().first(x.sizes().size() - 1)) != labels) {
      shape_error(name(), where, fmt::format("labels {} do not fit logits {}", labels.text(), x.text()));
    }
    if (!options_.class_weights.empty() && static_cast<Index>(options_.class_weights.size()) != x[-1]) {
      shape_error(name(), where,
                  fmt::format("{} class weights for {} classes", options_.class_weights.size(), x[-1]));
    }
    const Spec row{labels, DType::number, inputs[0].axis};
    return {row, row, inputs[0]};
  }
  void run(const Call& call) const override {
    // Losses and weights that nobody reads go to the scratch.
    const Index rows = rows_of(call, 0);
    real* losses = call.out(0) != nullptr ? call.out(0) : call.scratch;
    real* weights = call.out(1) != nullptr ? call.out(1) : call.scratch + rows;
    call.kernels.loss.cross_entropy(bind(options_), rows, call.in_shape(0)[-1], call.in(0), call.indices(1),
                                    losses, weights, call.out(2));
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    const Shape& labels = node.inputs()[1].shape();
    return {Op::schedule(node, rows, k).cut, 2 * (labels.rank() > 0 ? rows * labels.count_from(1) : 1)};
  }
  void gradient(Gradients& g) const override {
    if (!g.wants(0)) return;
    g.set(0, g.graph().add(std::make_shared<CrossEntropyGradient>(options_),
                           {g.output(2), g.input(1), g.dy(0)}));
  }

 private:
  CrossEntropyOptions options_;
};

/// Inputs: x, targets, dlosses.
class BinaryGradient final : public Op {
 public:
  Description describe() const override {
    return {"binary_cross_entropy_gradient", "dx = dloss (1 / (1 + exp(-x)) - t)"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    call.kernels.loss.binary_cross_entropy_gradient(call.out_count(), call.in(0), call.in(1), call.in(2),
                                                    call.out());
  }
};

class BinaryLosses final : public Op {
 public:
  Description describe() const override {
    return {"binary_cross_entropy", "loss = max(x, 0) - x t + log(1 + exp(-|x|))"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_same(name(), where, inputs[0].shape, inputs[1].shape);
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    call.kernels.loss.binary_cross_entropy(call.out_count(), call.in(0), call.in(1), call.out());
  }
  void gradient(Gradients& g) const override {
    if (g.wants(0))
      g.set(0, g.graph().add(std::make_shared<BinaryGradient>(), {g.input(0), g.input(1), g.dy()}));
  }
};

}  // namespace

void add_loss_kinds(std::vector<OperationKind>& rows) {
  using Inputs = std::span<const Value>;
  rows.push_back({"softmax_cross_entropy", [](Graph& graph, const Attributes& a, Inputs in) {
                    CrossEntropyOptions options;
                    options.smoothing = static_cast<real>(a.get<double>("smoothing"));
                    for (const double weight : a.get<std::vector<double>>("class_weights"))
                      options.class_weights.push_back(static_cast<real>(weight));
                    return graph.add(std::make_shared<CrossEntropyRows>(options), {in.begin(), in.end()});
                  }});
  rows.push_back({"binary_cross_entropy", [](Graph& graph, const Attributes&, Inputs in) {
                    return graph.add(std::make_shared<BinaryLosses>(), {in.begin(), in.end()});
                  }});
}

Value softmax_cross_entropy(Graph& graph, Value logits, Value labels, const CrossEntropyOptions& options) {
  if (!(options.smoothing >= 0 && options.smoothing <= 1)) {
    throw Error(Fault::usage, "softmax_cross_entropy",
                fmt::format("smoothing {} is not in [0, 1]", options.smoothing));
  }
  const Value losses = graph.add(std::make_shared<CrossEntropyRows>(options), {logits, labels});
  if (options.class_weights.empty() && !options.ignore_negative) return mean(graph, losses);
  return ratio(graph, sum(graph, losses), sum(graph, Value{losses.node, 1}));
}

Value binary_cross_entropy(Graph& graph, Value logits, Value targets) {
  return mean(graph, graph.add(std::make_shared<BinaryLosses>(), {logits, targets}));
}

Value mean_squared_error(Graph& graph, Value x, Value targets) {
  const Value difference = subtract(graph, x, targets);
  return mean(graph, multiply(graph, difference, difference));
}

}  // namespace firn
