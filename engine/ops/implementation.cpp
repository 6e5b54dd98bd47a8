#include "engine/ops/implementation.h"

#include <cstdlib>

#include "engine/ops/convert.h"
#include "engine/ops/rates.h"

namespace firn {

namespace {

class Pack final : public Op {
 public:
  Pack(std::string name, Index count, std::function<void(const Call&)> run, Attributes attributes, bool round,
       Index scratch)
      : name_(std::move(name)),
        count_(count),
        run_(std::move(run)),
        attributes_(std::move(attributes)),
        round_(round),
        scratch_(scratch) {
    if (round_) attributes_.add(rounding());
  }
  Description describe() const override {
    return {name_, "the weight in the order and form in which the kernel reads it", attributes_};
  }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override {
    return {{Shape{count_}, DType::number, Axis::none}};
  }
  Traits traits() const override { return {.differentiable = false}; }
  Division schedule(const Node&, Index, const Kernels&) const override { return {{}, scratch_}; }
  void run(const Call& call) const override {
    run_(call);
    if (round_) round_numbers(call.kernels, count_, call.out(), call.out());
  }

 private:
  std::string name_;
  Index count_;
  std::function<void(const Call&)> run_;
  Attributes attributes_;
  bool round_;
  Index scratch_;
};

}  // namespace

Value Choice::rounded(int i) const {
  return narrow() ? prepare(round_op(), {input(i)}) : input(i);
}

bool Choice::changes_each_step(Value weight) const {
  return graph.options().mode == Mode::train && graph.depends_on_trainable(weight);
}

Value Choice::prepare(std::shared_ptr<const Op> op, std::vector<Value> inputs) const {
  return graph.add_before(node, std::move(op), std::move(inputs));
}

bool fits_always(const Choice&) {
  return true;
}

double plain_cost(const Choice&) {
  return rates::kPlain;
}

void Abstract::run(const Call&) const {
  std::abort();  // `select` leaves none of them in a program
}

std::shared_ptr<const Op> pack_op(std::string name, Index count, std::function<void(const Call&)> run,
                                  Attributes attributes, bool round, Index scratch) {
  return std::make_shared<Pack>(std::move(name), count, std::move(run), std::move(attributes), round,
                                scratch);
}

}  // namespace firn
