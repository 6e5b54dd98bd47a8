// The half of engine/ops/rearrange.h that puts axes in another order.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/rearrange.h"

namespace firn {

namespace {

class Permute final : public Op {
 public:
  explicit Permute(std::vector<int> order) : order_(std::move(order)) {}
  Description describe() const override {
    return {"permute", "y = x with its axes in another order",
            Attributes().add("order", std::vector<Index>(order_.begin(), order_.end()),
                             fmt::format("{}", fmt::join(order_, " ")))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    const Shape& x = inputs[0].shape;
    std::vector<int> sorted = order_;
    std::sort(sorted.begin(), sorted.end());
    bool fits = static_cast<int>(order_.size()) == x.rank();
    for (int i = 0; fits && i < x.rank(); ++i) fits = sorted[static_cast<std::size_t>(i)] == i;
    if (!fits || (inputs[0].axis == Axis::batch && order_[0] != 0)) {
      shape_error(name(), where,
                  fmt::format("{} has no order {} of its axes", x.text(), fmt::join(order_, " ")));
    }
    std::vector<Index> sizes;
    for (const int axis : order_) sizes.push_back(x[axis]);
    return {{Shape(std::span<const Index>(sizes)), DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const Shape& x = call.in_shape(0);
    // Axes that stay beside each other are one, from the outermost of y on.
    std::array<Index, Shape::kMaxRank> size{}, step{}, at{};
    std::size_t rank = 0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const bool beside = i > 0 && order_[i] == order_[i - 1] + 1;
      if (!beside) size[rank++] = 1;
      size[rank - 1] *= x[order_[i]];
      step[rank - 1] = x.count_from(order_[i] + 1);
    }
    // What lies together in x is copied together, or transposed where it is the last but one of y.
    const bool turned = rank > 1 && step[rank - 1] != 1 && step[rank - 2] == 1;
    const std::size_t outer = turned ? rank - 2 : step[rank - 1] == 1 ? rank - 1 : rank;
    Index together = 1;
    for (std::size_t i = outer; i < rank; ++i) together *= size[i];
    const Index runs = together > 0 ? call.out_count() / together : 0;
    Index from = 0;
    for (Index r = 0; r < runs; ++r) {
      real* const to = call.out() + r * together;
      if (turned) {
        call.kernels.elementwise.transpose(size[rank - 1], size[rank - 2], call.in(0) + from, step[rank - 1],
                                           to);
      } else {
        std::copy_n(call.in(0) + from, together, to);
      }
      for (std::size_t i = outer; i-- > 0;) {
        from += step[i];
        if (++at[i] < size[i]) break;
        from -= step[i] * size[i];
        at[i] = 0;
      }
    }
  }
  void gradient(Gradients& g) const override {
    std::vector<int> back(order_.size());
    for (std::size_t i = 0; i < order_.size(); ++i)
      back[static_cast<std::size_t>(order_[i])] = static_cast<int>(i);
    g.set(0, permute(g.graph(), g.dy(), back));
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }

 private:
  std::vector<int> order_;
};

}  // namespace

Value permute(Graph& graph, Value x, const std::vector<int>& order) {
  bool same = static_cast<int>(order.size()) == x.shape().rank();
  for (std::size_t i = 0; i < order.size(); ++i) same = same && order[i] == static_cast<int>(i);
  if (same) return x;
  return graph.add(std::make_shared<Permute>(order), {x});
}

}  // namespace firn
