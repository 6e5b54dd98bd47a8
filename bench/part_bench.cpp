// What the weight gradient of a layer costs with three quarters of its outputs frozen, against all of it:
// steps of two programs, run in turns on one thread. Prints the least time of each and the median of the
// ratios.
#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/problems.h"
#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/dense.h"
#include "engine/ops/loss.h"
#include "engine/ops/recurrent.h"
#include "engine/program/cost.h"

namespace {

using namespace firn;

constexpr int kPairs = 15;

ParameterPtr random_weight(const std::string& name, Shape shape) {
  Tensor value(shape);
  Random random(1, name);
  for (real& x : value.values()) x = static_cast<real>(random.uniform(-0.1, 0.1));
  FileLayout layout;  // outputs, the last axis of the memory, come first in files
  std::vector<Index> sizes{shape[-1]};
  for (int i = 0; i + 1 < shape.rank(); ++i) {
    sizes.push_back(shape[i]);
    layout.axes.push_back(i + 1);
  }
  layout.axes.push_back(0);
  layout.file_shape = layout.view = Shape(std::span<const Index>(sizes));
  return std::make_shared<Parameter>(name, std::move(value), Role::weight, std::move(layout));
}

/// A layer alone, between a feed and a loss.
struct Case {
  std::string name;
  Shape input;
  std::vector<ParameterPtr> weights;
  std::function<Value(Graph&, Value, const std::vector<ParameterPtr>&)> build;
};

/// The training step, with the feeds that it reads.
struct TimedStep {
  std::unique_ptr<Program> program;
  Tensor x, target;

  explicit TimedStep(const Case& item) : x(item.input) {
    auto graph = std::make_unique<Graph>();
    const Value y = item.build(*graph, graph->feed("x", item.input), item.weights);
    target = Tensor(y.shape());
    Random random(2, "x");
    for (Tensor* tensor : {&x, &target}) {
      for (real& v : tensor->values()) v = static_cast<real>(random.uniform(-1, 1));
    }
    const Value loss = mean_squared_error(*graph, y, graph->feed("target", target.shape()));
    program = Program::training(std::move(graph), loss);
    program->feed("x", x);
    program->feed("target", target);
    program->run();
  }

  /// Seconds of the weight gradient in one run: product, what goes before and what behind it.
  double weight_seconds() const {
    program->set_timing(true);
    program->run();
    return seconds_by_pass(*program, program->step_times()).weight_gradient;
  }
};

void measure(const Case& item) {
  for (const ParameterPtr& weight : item.weights) weight->set_frozen_units({});
  const TimedStep whole(item);
  for (const ParameterPtr& weight : item.weights) weight->set_frozen_units({{0, weight->units() * 3 / 4}});
  const TimedStep part(item);
  std::vector<double> ratios;
  double least_whole = 1e9, least_part = 1e9;
  for (int i = 0; i < kPairs; ++i) {
    const double a = whole.weight_seconds(), b = part.weight_seconds();
    least_whole = std::min(least_whole, a);
    least_part = std::min(least_part, b);
    ratios.push_back(b / a);
  }
  std::nth_element(ratios.begin(), ratios.begin() + kPairs / 2, ratios.end());
  fmt::print("{:<36} {:>10.3f} {:>10.3f} {:>8.1f} % {:>8.1f} %\n", item.name, 1e3 * least_whole,
             1e3 * least_part, 100 * least_part / least_whole, 100 * ratios[kPairs / 2]);
}

}  // namespace

int main() {
  set_thread_count(1);
  fmt::print("{:<36} {:>10} {:>10} {:>10} {:>10}\n", "weight gradient, ms a step", "all", "1/4", "least",
             "median");
  for (const problems::ConvProblem& p : problems::kConv) {
    const ConvGeometry& g = p.geometry;
    measure({p.name,
             Shape{p.batch, g.h, g.w, g.c},
             {random_weight("weight", Shape{g.kh, g.kw, g.c / g.groups, g.oc})},
             [&g](Graph& graph, Value x, const std::vector<ParameterPtr>& weights) {
               return conv2d(graph, x, graph.parameter(weights[0]), {},
                             {.stride_h = g.stride_h,
                              .stride_w = g.stride_w,
                              .pad_h = g.pad_h,
                              .pad_w = g.pad_w,
                              .groups = g.groups});
             }});
  }
  for (const problems::DenseProblem& p : problems::kDense) {
    measure({p.name,
             Shape{p.m, p.k},
             {random_weight("weight", Shape{p.k, p.n})},
             [](Graph& graph, Value x, const std::vector<ParameterPtr>& weights) {
               return dense(graph, x, graph.parameter(weights[0]));
             }});
  }
  for (const problems::RecurrentProblem& p : problems::kRecurrent) {
    const Index wide = 4 * p.units;
    measure(
        {p.name,
         Shape{p.batch, p.steps, p.units},
         {random_weight("weight_ih", Shape{p.units, wide}), random_weight("weight_hh", Shape{p.units, wide}),
          random_weight("bias_ih", Shape{wide}), random_weight("bias_hh", Shape{wide})},
         [](Graph& graph, Value x, const std::vector<ParameterPtr>& w) {
           return lstm(
               graph, x,
               {graph.parameter(w[0]), graph.parameter(w[1]), graph.parameter(w[2]), graph.parameter(w[3])},
               {});
         }});
  }
}
