#include "engine/ops/embedding.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/reduce.h"

namespace firn {

namespace {

/// Inputs: tokens, dy. Gradient of the table.
class EmbeddingDw final : public Op {
 public:
  EmbeddingDw(Shape table, bool parts) : table_(table), parts_(parts) {}
  std::string name() const override { return "embedding_dw"; }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override {
    return {{table_, Type::number, parts_ ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    std::fill_n(call.out(), table_.count(), real(0));
    kernels().elementwise.scatter_add(call.in_count(0), table_[1], call.in(1), call.indices(0), call.out());
  }

 private:
  Shape table_;
  bool parts_;
};

/// Inputs: tokens, table.
class Embedding final : public Op {
 public:
  std::string name() const override { return "embedding"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& tokens = inputs[0].shape;
    const Shape& table = inputs[1].shape;
    require_type(name(), where, inputs[0], Type::index, "tokens");
    if (tokens.rank() != 2 || table.rank() != 2) {
      shape_error(name(), where,
                  fmt::format("tokens {} and table {} must be (N,T) and (V,F)", tokens.text(), table.text()));
    }
    return {{Shape{tokens[0], tokens[1], table[1]}, Type::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    kernels().elementwise.gather(call.in_count(0), call.in_shape(1)[1], call.in(1), call.indices(0),
                                 call.out());
  }
  void gradient(Gradients& g) const override {
    if (!g.wants(1)) return;
    const Shape table = g.input(1).shape();
    const bool parts = sums_by_parts(table.count(), g.input(0), g.dy());
    const Value dw = g.graph().add(std::make_shared<EmbeddingDw>(table, parts), {g.input(0), g.dy()});
    g.set(1, reduce_parts(g.graph(), dw));
  }
};

}  // namespace

Value embedding(Graph& graph, Value tokens, Value table) {
  return graph.add(std::make_shared<Embedding>(), {tokens, table});
}

}  // namespace firn
