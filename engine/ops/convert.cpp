#include "engine/ops/convert.h"

#include <algorithm>
#include <array>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"

namespace firn {

namespace {

/// Converted elements that are worked on together: they stay in the second-level cache.
constexpr Index kTogether = 256 * 1024;

Index whole_lines(Index elements) {
  return (elements + 15) / 16 * 16;
}

Index sample_elements(const Spec& spec) {
  return spec.shape.count_from(1);
}

class Round final : public Op {
 public:
  Description describe() const override { return {"round", "y = x rounded to bf16", rounding()}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    return {inputs[0]};
  }
  Traits traits() const override { return {.differentiable = false, .in_place = {InPlace::kAny}}; }
  void run(const Call& call) const override {
    call.kernels.bf16.round(call.out_count(), call.in(0), call.out());
  }
};

class Converting final : public Op {
 public:
  Converting(std::shared_ptr<const Op> op, std::vector<Reading> inputs, bool narrow)
      : op_(std::move(op)), inputs_(std::move(inputs)), narrow_(narrow) {}
  Description describe() const override {
    Description description = op_->describe();
    description.attributes.add(conversion(inputs_, narrow_));
    return description;
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    std::vector<Spec> wide(inputs.begin(), inputs.end());
    for (std::size_t i = 0; i < wide.size(); ++i) {
      if (inputs_[i] == Reading::widen) wide[i].type = DType::number;
    }
    std::vector<Spec> outputs = op_->infer(wide, where);
    if (narrow_) outputs[0].type = DType::bf16;
    return outputs;
  }
  void run(const Call& call) const override {
    const Index together = samples_together(call.node, call.rows);
    for (Index first = 0; first < call.rows; first += together) {
      run_samples(call, first, std::min(together, call.rows - first));
    }
  }
  Division schedule(const Node& node, Index rows, const Kernels& kernels) const override {
    const Index together = samples_together(node, rows);
    Index elements = narrow_ ? whole_lines(together * sample_elements(node.outputs()[0])) : 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] != Reading::plain)
        elements += whole_lines(together * sample_elements(node.inputs()[i].spec()));
    }
    Division division = op_->schedule(node, together, kernels);
    division.scratch += elements;
    return division;
  }
  Cost cost(const Node& node) const override { return op_->cost(node); }
  /// What is converted is read before anything is written in its place.
  Traits traits() const override {
    Traits traits = op_->traits();
    traits.narrowing = Narrowing::none;
    return traits;
  }

 private:
  /// All of a call where its outputs are sums over samples.
  Index samples_together(const Node& node, Index rows) const {
    if (node.outputs()[0].axis != Axis::batch) return std::max<Index>(1, rows);
    Index elements = narrow_ ? sample_elements(node.outputs()[0]) : 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] != Reading::plain) elements += sample_elements(node.inputs()[i].spec());
    }
    return std::clamp<Index>(kTogether / std::max<Index>(1, elements), 1, std::max<Index>(1, rows));
  }

  static void* sample(void* memory, const Spec& spec, Index first) {
    if (memory == nullptr || spec.axis != Axis::batch) return memory;
    return static_cast<std::byte*>(memory) + first * sample_elements(spec) * type_size(spec.type);
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
      if (inputs_[i] == Reading::plain) continue;
      const Index count = samples * sample_elements(spec);
      inputs[i] = scratch;
      if (inputs_[i] == Reading::widen) {
        call.kernels.bf16.widen(count, static_cast<const Bf16*>(from), scratch);
      } else {
        call.kernels.bf16.round(count, static_cast<const real*>(from), scratch);
      }
      scratch += whole_lines(count);
    }
    for (std::size_t i = 0; i < node.outputs().size(); ++i) {
      outputs[i] = sample(call.outputs[i], node.outputs()[i], first);
    }
    void* const target = outputs[0];
    const Index made = narrow_ ? samples * sample_elements(node.outputs()[0]) : 0;
    if (narrow_) {
      outputs[0] = scratch;
      scratch += whole_lines(made);
    }
    op_->run({node, inputs.data(), outputs.data(), samples, call.row + first, call.task, call.slices,
              call.slice_rows, scratch, call.step, call.rows_before, call.kernels});
    if (narrow_)
      call.kernels.bf16.narrow(made, static_cast<const real*>(outputs[0]), static_cast<Bf16*>(target));
  }

  std::shared_ptr<const Op> op_;
  std::vector<Reading> inputs_;  // of each input
  bool narrow_;
};

}  // namespace

Attributes conversion(const std::vector<Reading>& inputs, bool narrow) {
  const bool wide = std::count(inputs.begin(), inputs.end(), Reading::widen) == 0;
  const std::string from = wide ? "fp32" : "bf16", to = narrow ? "bf16" : "fp32";
  return Attributes().add("from", from).add("to", to, from + "->" + to);
}

std::shared_ptr<const Op> round_op() {
  return std::make_shared<Round>();
}

void round_numbers(const Kernels& kernels, Index count, const real* x, real* y) {
  kernels.bf16.round(count, x, y);
}

Attributes rounding() {
  return Attributes().add("to", std::string("bf16"), "to bf16");
}

std::vector<Spec> widened(std::span<const Spec> specs) {
  std::vector<Spec> wide(specs.begin(), specs.end());
  for (Spec& spec : wide) spec.type = is_narrow(spec.type) ? DType::number : spec.type;
  return wide;
}

std::shared_ptr<const Op> converting(std::shared_ptr<const Op> op, std::vector<Reading> inputs, bool narrow) {
  if (const auto* own = dynamic_cast<const ReadsNarrow*>(op.get())) {
    if (auto made = own->with_types(inputs, narrow)) return made;
  }
  return std::make_shared<Converting>(std::move(op), std::move(inputs), narrow);
}

}  // namespace firn
