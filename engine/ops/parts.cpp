#include "engine/ops/parts.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/rates.h"

namespace firn {

namespace {

constexpr Index kReduceUnit = 8192;  // elements of a unit of reduce_parts

class ReduceParts final : public Op {
 public:
  Description describe() const override {
    return {"reduce_parts", "y = Σ of the parts of the batch's slices, in their order"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{inputs[0].shape, DType::number, Axis::none}};
  }
  void run(const Call& call) const override {
    const Index count = call.out_shape().count();
    const Index first = call.task * kReduceUnit;
    const Index size = std::min(kReduceUnit, count - first);
    call.kernels.elementwise.reduce_parts(call.slices, count, size, call.in(0) + first, call.out() + first,
                                          false);
  }
  void gradient(Gradients& g) const override { g.set(0, g.dy()); }  // each part counts once
  Division schedule(const Node& node, Index, const Kernels&) const override {
    const Index count = node.outputs()[0].shape.count();
    return {{Cut::Kind::tasks, std::max<Index>(1, (count + kReduceUnit - 1) / kReduceUnit)}};
  }
};

}  // namespace

bool sums_by_parts(Index weight_count, Value x, Value dy) {
  return dy.spec().axis == Axis::batch &&
         small_in_parts(weight_count, x.shape().count() + dy.shape().count());
}

bool small_in_parts(Index weight_count, Index elements) {
  return weight_count * rates::kUsualParts <= elements;
}

Attribute how_summed(bool parts) {
  return {"sum", std::string(parts ? "parts" : "pieces"),
          parts ? "by parts of the batch" : "by pieces of the weight"};
}

std::vector<Spec> summed(std::vector<Spec> whole, bool parts) {
  if (parts) whole[0].axis = Axis::slice;
  return whole;
}

Chosen reduced(const Choice& choice, std::shared_ptr<const Op> parts, std::vector<Value> inputs) {
  return {std::make_shared<ReduceParts>(), {choice.prepare(std::move(parts), std::move(inputs))}};
}

Value reduce_parts(Graph& graph, Value parts) {
  if (parts.spec().axis != Axis::slice) return parts;
  return graph.add(std::make_shared<ReduceParts>(), {parts});
}

}  // namespace firn
