#include "engine/ops/trainable_part.h"

#include <algorithm>

#include "engine/ops/check.h"

namespace firn {

namespace {

class TrainablePart final : public Op {
 public:
  explicit TrainablePart(TrainableRanges trains) : trains_(std::move(trains)) {}
  Description describe() const override {
    const std::string places = text_of(trains_.ranges);
    return {"trainable_part", "y = x at the places that train",
            Attributes().add("axis", Index{trains_.axis}).add("places", places, places)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    require_type(name(), where, inputs[0], DType::number, "input");
    const int lowest = inputs[0].axis == Axis::batch ? 1 : 0;
    if (trains_.axis < lowest || trains_.axis >= x.rank() || trains_.ranges.empty() ||
        trains_.ranges.front().first < 0 || trains_.ranges.back().last > x[trains_.axis]) {
      shape_error(
          name(), where,
          fmt::format("axis {} of {} has no places {}", trains_.axis, x.text(), text_of(trains_.ranges)));
    }
    return {{trains_.shape_in(x), DType::number, inputs[0].axis}};
  }
  Traits traits() const override { return {.differentiable = false, .narrowing = Narrowing::passes}; }
  void run(const Call& call) const override {
    for_each_trainable(
        &trains_, call.in_shape(0), 0, call.out_count(),
        [&](Index at, Index place, Index count) { std::copy_n(call.in(0) + place, count, call.out() + at); });
  }
  Cost cost(const Node& node) const override {
    const Spec& y = node.outputs()[0];
    return {0, 2.0 * static_cast<double>(y.shape.count() * type_size(y.type))};
  }

 private:
  TrainableRanges trains_;
};

}  // namespace

Value trainable_part(Graph& graph, Value x, TrainableRanges trains) {
  return graph.add(std::make_shared<TrainablePart>(std::move(trains)), {x});
}

Value trainable_columns(Graph& graph, Value dy, const TrainableRanges* trains) {
  return trains == nullptr ? dy : trainable_part(graph, dy, {dy.shape().rank() - 1, trains->ranges});
}

}  // namespace firn
