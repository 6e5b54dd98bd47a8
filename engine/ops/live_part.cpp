#include "engine/ops/live_part.h"

#include <algorithm>

#include "engine/ops/check.h"

namespace firn {

namespace {

class LivePart final : public Op {
 public:
  explicit LivePart(Live live) : live_(std::move(live)) {}
  std::string name() const override { return "live_part"; }
  std::string detail() const override { return text_of(live_.ranges); }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    require_type(name(), where, inputs[0], Type::number, "input");
    const int lowest = inputs[0].axis == Axis::batch ? 1 : 0;
    if (live_.axis < lowest || live_.axis >= x.rank() || live_.ranges.empty() ||
        live_.ranges.front().first < 0 || live_.ranges.back().last > x[live_.axis]) {
      shape_error(name(), where,
                  fmt::format("axis {} of {} has no places {}", live_.axis, x.text(), text_of(live_.ranges)));
    }
    return {{live_.shape_in(x), Type::number, inputs[0].axis}};
  }
  bool differentiable() const override { return false; }
  void run(const Call& call) const override {
    for_each_live(&live_, call.in_shape(0), 0, call.out_count(), [&](Index at, Index place, Index count) {
      std::copy_n(call.in(0) + place, count, call.out() + at);
    });
  }
  Cost cost(const Node& node) const override {
    const Spec& y = node.outputs()[0];
    return {0, 2.0 * static_cast<double>(y.shape.count() * type_size(y.type))};
  }

 private:
  Live live_;
};

}  // namespace

Value live_part(Graph& graph, Value x, Live live) {
  return graph.add(std::make_shared<LivePart>(std::move(live)), {x});
}

Value live_columns(Graph& graph, Value dy, const Live* live) {
  return live == nullptr ? dy : live_part(graph, dy, {dy.shape().rank() - 1, live->ranges});
}

}  // namespace firn
