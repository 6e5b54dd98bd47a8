#include "engine/ops/bf16.h"

#include <algorithm>
#include <array>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/winograd.h"

namespace firn {

namespace {

/// Converted elements that are worked on together: they stay in the second-level cache.
constexpr Index kTogether = 256 * 1024;

Index whole_lines(Index elements) {
  return (elements + 15) / 16 * 16;
}

class Round final : public Op {
 public:
  std::string name() const override { return "round_to_bf16"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    return {inputs[0]};
  }
  bool differentiable() const override { return false; }
  void run(const Call& call) const override {
    kernels().bf16.round(call.out_count(), call.in(0), call.out());
  }
  int in_place(int) const override { return 0; }
};

class WithBf16 final : public Op {
 public:
  WithBf16(std::shared_ptr<const Op> op, std::vector<Reading> inputs, bool narrow)
      : op_(std::move(op)), inputs_(std::move(inputs)), narrow_(narrow) {}
  std::string name() const override { return op_->name(); }
  std::string detail() const override {
    const std::string detail = op_->detail();
    const bool wide = std::count(inputs_.begin(), inputs_.end(), Reading::bf16) == 0;
    return detail + (detail.empty() ? "" : " ") + (wide ? "fp32" : "bf16") + (narrow_ ? "->bf16" : "->fp32");
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return op_->infer(inputs, where);
  }
  void run(const Call& call) const override {
    const Index together = samples_together(call.node, call.rows);
    for (Index first = 0; first < call.rows; first += together) {
      run_samples(call, first, std::min(together, call.rows - first));
    }
  }
  Cut cut(const Node& node) const override { return op_->cut(node); }
  Index scratch(const Node& node, Index rows) const override {
    const Index together = samples_together(node, rows);
    Index elements = narrow_ ? whole_lines(together * elements_of(node.outputs()[0])) : 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] != Reading::plain)
        elements += whole_lines(together * elements_of(node.inputs()[i].spec()));
    }
    return elements + op_->scratch(node, together);
  }
  Cost cost(const Node& node) const override { return op_->cost(node); }
  Index min_efficient_rows() const override { return op_->min_efficient_rows(); }

 private:
  static Index elements_of(const Spec& spec) { return spec.shape.count_from(1); }

  Index samples_together(const Node& node, Index rows) const {
    Index elements = narrow_ ? elements_of(node.outputs()[0]) : 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] != Reading::plain) elements += elements_of(node.inputs()[i].spec());
    }
    return std::clamp<Index>(kTogether / std::max<Index>(1, elements), 1, std::max<Index>(1, rows));
  }

  static void* sample(void* memory, const Spec& spec, Index first) {
    if (memory == nullptr || spec.axis != Axis::batch) return memory;
    return static_cast<std::byte*>(memory) + first * elements_of(spec) * type_size(spec.type);
  }

  void run_samples(const Call& call, Index first, Index samples) const {
    const Node& node = call.node;
    std::array<const void*, kMostConverted> inputs{};
    std::array<void*, kMostConverted> outputs{};
    real* scratch = call.scratch;
    for (std::size_t i = 0; i < node.inputs().size(); ++i) {
      const Spec& spec = node.inputs()[i].spec();
      const void* from = sample(const_cast<void*>(call.inputs[i]), spec, first);
      inputs[i] = from;
      if (i >= inputs_.size() || inputs_[i] == Reading::plain) continue;
      const Index count = samples * elements_of(spec);
      inputs[i] = scratch;
      if (inputs_[i] == Reading::bf16) {
        kernels().bf16.widen(count, static_cast<const Bf16*>(from), scratch);
      } else {
        kernels().bf16.round(count, static_cast<const real*>(from), scratch);
      }
      scratch += whole_lines(count);
    }
    for (std::size_t i = 0; i < node.outputs().size(); ++i) {
      outputs[i] = sample(call.outputs[i], node.outputs()[i], first);
    }
    void* const target = outputs[0];
    const Index made = samples * elements_of(node.outputs()[0]);
    if (narrow_) {
      outputs[0] = scratch;
      scratch += whole_lines(made);
    }
    op_->run({node, inputs.data(), outputs.data(), samples, call.row + first, call.task, call.slices,
              call.slice_rows, scratch, call.step, call.rows_before});
    if (narrow_)
      kernels().bf16.narrow(made, static_cast<const real*>(outputs[0]), static_cast<Bf16*>(target));
  }

  std::shared_ptr<const Op> op_;
  std::vector<Reading> inputs_;
  bool narrow_;
};

}  // namespace

bool computes_in_bf16(const Graph& graph, Value x, Value weight) {
  return graph.options().frozen_precision == Precision::bf16 && !graph.depends_on_trainable(x) &&
         !graph.depends_on_trainable(weight);
}

bool multiplies_pairs(const ConvGeometry& g, Index tile) {
  if (!pairs_fit(g) || bf16_products() == Bf16Products::in_fp32) return false;
  if (bf16_products() == Bf16Products::in_pairs) return true;
  const double other = tile == 0 ? 1 : winograd_gain(g, kernels().isa, 0, tile);
  return bf16_pair_speed() > other;
}

ConvGeometry row_product(Index k, Index n) {
  ConvGeometry g;
  g.h = g.w = g.oh = g.ow = 1;
  g.c = k;
  g.oc = n;
  return g;
}

Value round_to_bf16(Graph& graph, Value x) {
  return graph.add(std::make_shared<Round>(), {x});
}

std::shared_ptr<const Op> with_bf16(std::shared_ptr<const Op> op, std::vector<Reading> inputs, bool narrow) {
  return std::make_shared<WithBf16>(std::move(op), std::move(inputs), narrow);
}

}  // namespace firn
