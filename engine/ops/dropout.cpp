#include "engine/ops/dropout.h"

#include "engine/base/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"

namespace firn {

namespace {

class Dropout final : public Op {
 public:
  Dropout(real p, std::array<std::uint32_t, 2> key) : p_(p), key_(key) {}
  Description describe() const override {
    return {"dropout", "y = x / (1 - p) with probability 1 - p, else 0; forward and backward draw the same",
            Attributes().add("p", static_cast<double>(p_), fmt::format("p {:.3g}", p_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Shape& x = call.in_shape(0);
    const auto first =
        static_cast<std::uint64_t>((call.rows_before + call.row) * (x.rank() > 0 ? x.count_from(1) : 1));
    call.kernels.elementwise.dropout(call.out_count(), first, p_, key_, call.step, call.in(0), call.out());
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<Dropout>(p_, key_), {g.dy()}));
  }
  Traits traits() const override {
    return {.random = true, .in_place = {InPlace::kAny}, .narrowing = Narrowing::passes};
  }

 private:
  real p_;
  std::array<std::uint32_t, 2> key_;
};

}  // namespace

Value dropout(Graph& graph, Value x, real p) {
  if (!(p >= 0 && p < 1)) {
    throw Error(Fault::usage, "dropout", fmt::format("p = {} is not in [0, 1) (layer {})", p, graph.label()));
  }
  const Graph::Options& options = graph.options();
  const bool acts = graph.depends_on_trainable(x) || options.dropout_in_frozen;
  if (p == 0 || options.mode == Mode::infer || !acts) return x;
  const Random random(options.seed, "dropout " + graph.label());
  return graph.add(std::make_shared<Dropout>(p, random.key()), {x});
}

}  // namespace firn
