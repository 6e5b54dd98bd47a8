#include "engine/ops/embedding.h"

#include <algorithm>
#include <optional>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/parts.h"

namespace firn {

namespace {

/// Inputs: tokens, dy. Gradient of the table.
class EmbeddingDw final : public Op {
 public:
  /// Rows of the table, or of it those that are `trains`.
  EmbeddingDw(Shape table, bool parts, std::optional<TrainableRanges> trains)
      : table_(trains ? trains->shape_in(table) : table), parts_(parts), trains_(std::move(trains)) {}
  Description describe() const override {
    Attributes attributes;
    if (trains_) {
      const std::string rows = text_of(trains_->ranges);
      attributes.add("rows", rows, "of rows " + rows);
    }
    return {"embedding_dw", "dtable[v,f] = Σ of dy[n,t,f] over the places where tokens[n,t] = v",
            std::move(attributes)};
  }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override {
    return {{table_, DType::number, parts_ ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    std::fill_n(call.out(), table_.count(), real(0));
    const auto scatter = call.kernels.elementwise.scatter_add;
    if (!trains_) return scatter(call.in_count(0), table_[1], call.in(1), call.indices(0), call.out());
    for (Index i = 0; i < call.in_count(0); ++i) {
      const std::int32_t row = live_row(call.indices(0)[i]);
      if (row >= 0) scatter(1, table_[1], call.in(1) + i * table_[1], &row, call.out());
    }
  }

 private:
  /// Where a row of the whole table lies among those that train; -1: it does not.
  std::int32_t live_row(Index row) const {
    Index before = 0;
    for (const UnitRange& range : trains_->ranges) {
      if (row < range.first) return -1;
      if (row < range.last) return static_cast<std::int32_t>(before + row - range.first);
      before += range.last - range.first;
    }
    return -1;
  }

  Shape table_;
  bool parts_;
  std::optional<TrainableRanges> trains_;
};

/// Inputs: tokens, table.
class Embedding final : public Op {
 public:
  Description describe() const override { return {"embedding", "y[n,t,f] = table[tokens[n,t], f]"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& tokens = inputs[0].shape;
    const Shape& table = inputs[1].shape;
    require_type(name(), where, inputs[0], DType::int32, "tokens");
    if (tokens.rank() != 2 || table.rank() != 2) {
      shape_error(name(), where,
                  fmt::format("tokens {} and table {} must be (N,T) and (V,F)", tokens.text(), table.text()));
    }
    return {{Shape{tokens[0], tokens[1], table[1]}, DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    call.kernels.elementwise.gather(call.in_count(0), call.in_shape(1)[1], call.in(1), call.indices(0),
                                    call.out());
  }
  void gradient(Gradients& g) const override {
    if (!g.wants(1)) return;
    const Shape table = g.input(1).shape();
    const bool parts = sums_by_parts(table.count(), g.input(0), g.dy());
    std::optional<TrainableRanges> trains;
    if (const TrainableRanges* part = g.trainable_ranges(1, 0)) trains = *part;
    const Value dw =
        g.graph().add(std::make_shared<EmbeddingDw>(table, parts, std::move(trains)), {g.input(0), g.dy()});
    g.set(1, reduce_parts(g.graph(), dw));
  }
};

}  // namespace

Value embedding(Graph& graph, Value tokens, Value table) {
  return graph.add(std::make_shared<Embedding>(), {tokens, table});
}

}  // namespace firn
