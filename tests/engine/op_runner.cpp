#include "tests/engine/op_runner.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/rng.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/reduce.h"

namespace firn::test {

namespace {

/// The samples of a batch put together; the gradient of `AsBatch`.
class FromBatch final : public Op {
 public:
  Description describe() const override { return {"from_batch"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{inputs[0].shape, DType::number, Axis::none}};
  }
  void run(const Call& call) const override { std::copy_n(call.in(0), call.out_count(), call.out()); }
};

class AsBatch final : public Op {
 public:
  Description describe() const override { return {"as_batch"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{inputs[0].shape, DType::number, Axis::batch}};
  }
  void run(const Call& call) const override {
    const Index first = call.row * call.in_shape(0).count_from(1);
    std::copy_n(call.in(0) + first, call.out_count(), call.out());
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<FromBatch>(), {g.dy()}));
  }
};

double rounded(double value) {
  return static_cast<double>(static_cast<float>(value));
}

Tensor numbers(const Drawn& drawn, Random random) {
  Tensor tensor(drawn.shape);
  const auto count = static_cast<std::size_t>(drawn.shape.count());
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  shuffle(order.data(), static_cast<Index>(count), random);
  for (std::size_t i = 0; i < count; ++i) {
    double x = random.uniform(drawn.low, drawn.high);
    if (drawn.draw == Draw::distinct) {
      const double place = (static_cast<double>(order[i]) + 0.5) / static_cast<double>(count);
      x = drawn.low + (drawn.high - drawn.low) * place;
    } else if (drawn.draw == Draw::off_zero) {
      x = std::copysign(0.1 * drawn.high + 0.9 * std::abs(x), x);
    }
    tensor.data()[i] = static_cast<real>(rounded(x));
  }
  return tensor;
}

Tensor whole_numbers(const Drawn& drawn, Random random) {
  Tensor tensor(drawn.shape, DType::int32);
  const auto range = static_cast<std::uint32_t>(drawn.high - drawn.low) + 1;
  for (Index i = 0; i < tensor.count(); ++i) {
    tensor.indices()[i] =
        static_cast<std::int32_t>(drawn.low) + static_cast<std::int32_t>(random.below(range));
  }
  return tensor;
}

}  // namespace

Value as_batch(Graph& graph, Value parameter) {
  return graph.add(std::make_shared<AsBatch>(), {parameter});
}

Tensor draw(const Drawn& drawn, std::uint64_t seed) {
  const Random random(seed, drawn.name + drawn.shape.text());
  return drawn.kind == Kind::indices ? whole_numbers(drawn, random) : numbers(drawn, random);
}

/// A layout in whose file the last axis of the memory comes first, as in PyTorch's.
FileLayout last_first(const Shape& shape) {
  std::vector<Index> sizes{shape[-1]};
  FileLayout layout;
  for (int i = 0; i + 1 < shape.rank(); ++i) {
    sizes.push_back(shape[i]);
    layout.axes.push_back(i + 1);
  }
  layout.axes.push_back(0);
  layout.file_shape = layout.view = Shape(std::span<const Index>(sizes));
  return layout;
}

Value Operands::add(Graph& graph, const Drawn& drawn, std::uint64_t seed, bool trains, int unit_axis) {
  Tensor tensor = draw(drawn, seed);
  if (drawn.kind == Kind::feed || drawn.kind == Kind::indices) {
    feeds.emplace_back(drawn.name, tensor);
    return graph.feed(drawn.name, drawn.shape, tensor.type());
  }
  const bool statistic = drawn.kind == Kind::statistic;
  const bool in_part = drawn.kind == Kind::parameter && unit_axis != kNoUnits && drawn.shape.rank() > 0;
  const auto parameter =
      std::make_shared<Parameter>(drawn.name, std::move(tensor), statistic ? Role::statistic : Role::weight,
                                  in_part && unit_axis < 0 ? last_first(drawn.shape) : FileLayout{});
  parameter->set_trainable(trains);
  if (in_part && trains) {
    std::vector<UnitRange> frozen;  // 0, then 3 and 4, 6, 8, ...
    for (Index unit = 0; unit < parameter->units(); unit += unit == 0 ? 3 : unit == 3 ? 1 : 2)
      frozen.push_back({unit, unit + 1});
    if (parameter->units() > 1) parameter->set_frozen_units(frozen);
  }
  if (trains && !statistic) trainable.push_back(parameter);
  const Value value = graph.parameter(parameter);
  return drawn.kind == Kind::batch ? as_batch(graph, value) : value;
}

CaseRun::CaseRun(const OpCase& row, ProgramOptions options, const std::string& only, Units units) {
  auto graph = std::make_unique<Graph>(Graph::Options{.seed = 5});
  std::vector<Value> values;
  for (const Drawn& drawn : row.operands) {
    const int axis = units == Units::all ? Operands::kNoUnits : units == Units::some_last ? -1 : 0;
    values.push_back(operands_.add(*graph, drawn, 1, only.empty() || drawn.name == only, axis));
  }
  const Value y = row.build(*graph, values);
  graph->output("value", y);
  const Drawn cotangent{"cotangent", y.shape(), Kind::feed};
  const Value weights = y.spec().axis == Axis::batch ? operands_.add(*graph, cotangent, 2)
                                                     : graph->constant("cotangent", draw(cotangent, 2));
  const Value loss = sum(*graph, multiply(*graph, y, weights));
  graph->output("loss", loss);
  // The batch is known by what is fed.
  if (operands_.feeds.empty()) operands_.add(*graph, {"rows", {row.operands[0].shape[0]}, Kind::feed}, 2);
  program_ = Program::training(std::move(graph), loss, std::move(options));
  for (const auto& [name, tensor] : operands_.feeds) program_->feed(name, tensor);
}

real CaseRun::run() {
  program_->run(3);
  return program_->output_data("loss")[0];
}

std::vector<real> CaseRun::gradient(const Parameter& parameter) const {
  for (const GradientView& view : program_->gradients()) {
    if (view.parameter == &parameter) return {view.data, view.data + view.count};
  }
  return {};
}

}  // namespace firn::test
