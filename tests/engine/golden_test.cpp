// Forward and gradients against PyTorch's, on the instruction set that FIRN_ISA names.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/dense.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/loss.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/recurrent.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"
#include "tests/engine/golden.h"
#include "tests/engine/isa.h"
#include "tests/engine/op_runner.h"

using namespace firn;
using namespace firn::test;

namespace {

/// PyTorch's layouts to ours: NCHW to NHWC, OIHW to HWIO, (out,in) to (in,out); the rest stays.
Tensor to_ours(const std::string& what, const Tensor& tensor) {
  const bool weight = what.find("weight") != std::string::npos;
  const int rank = tensor.shape().rank();
  if (rank == 4) return tensor.permuted(weight ? std::vector<int>{2, 3, 1, 0} : std::vector<int>{0, 2, 3, 1});
  if (rank == 2 && weight) return tensor.permuted(std::vector<int>{1, 0});
  return tensor;
}

/// One golden case as a graph: leaves by PyTorch's names.
class Replay {
 public:
  explicit Replay(const Golden& golden) : golden_(golden), graph_(std::make_unique<Graph>()) {}

  Graph& graph() { return *graph_; }
  const nlohmann::json& options() const { return golden_.options; }
  bool has(const std::string& what) const { return golden_.has(what); }
  const Tensor& golden(const std::string& what) const { return golden_.at(what); }

  ParameterPtr parameter(const std::string& what, bool transpose = true, Role role = Role::weight) {
    const Tensor tensor = transpose ? to_ours(what, golden_.at(what)) : golden_.at(what).clone();
    const auto made = std::make_shared<Parameter>(what, tensor.clone(), role);
    if (role == Role::weight) leaves_[what] = made;
    return made;
  }
  Value leaf(const std::string& what, bool transpose = true) {
    return graph_->parameter(parameter(what, transpose));
  }
  Value input() { return as_batch(*graph_, leaf("input")); }
  Value feed(const std::string& what) {
    feeds_.emplace_back(what, golden_.at(what));
    return graph_->feed(what, golden_.at(what).shape(), golden_.at(what).type());
  }

  /// Compares the output and the gradients of all leaves.
  void check(Value y) {
    Value loss = y;
    if (y.shape().rank() > 0) {
      const Tensor weights = to_ours("d_output", golden_.at("d_output"));
      feeds_.emplace_back("d_output", weights);
      loss = sum(*graph_, multiply(*graph_, y, graph_->feed("d_output", weights.shape())));
    }
    if (feeds_.empty())
      feeds_.emplace_back("rows", golden_.at("input")), graph_->feed("rows", golden_.at("input").shape());
    graph_->output("y", y);
    const auto program = Program::training(std::move(graph_), loss);
    for (const auto& [name, tensor] : feeds_) program->feed(name, tensor);
    program->run();
    near(program->output("y"), to_ours("output", golden_.at("output")), "output");
    CHECK(program->gradients().size() == leaves_.size());
    for (const GradientView& view : program->gradients()) {
      const std::string& what = view.parameter->name();
      Tensor gradient(view.parameter->shape());
      std::copy_n(view.data, view.count, gradient.data());
      Tensor want = golden_.at("d_" + what);
      if (want.shape() != gradient.shape() || golden_.options["op"] != "embedding")
        want = to_ours(what, want);
      near(gradient, want, "d_" + what);
    }
  }

  /// rtol 1.3e-6 and atol 1e-5, PyTorch's own for float.
  void near(const Tensor& got, const Tensor& want, const std::string& what) const {
    REQUIRE_MESSAGE(got.shape() == want.shape(), what);
    for (Index i = 0; i < got.count(); ++i) {
      const double w = static_cast<double>(want.data()[i]);
      const double apart = std::abs(static_cast<double>(got.data()[i]) - w);
      if (!(apart <= 1e-5 + 1.3e-6 * std::abs(w))) {
        FAIL_CHECK(golden_.name << " " << what << " element " << i << ": " << got.data()[i]
                                << ", PyTorch has " << w);
        return;
      }
    }
  }

 private:
  const Golden& golden_;
  std::unique_ptr<Graph> graph_;
  std::map<std::string, ParameterPtr> leaves_;
  std::vector<std::pair<std::string, Tensor>> feeds_;
};

PoolOptions pool_options(const nlohmann::json& o) {
  PoolOptions p;
  p.kernel_h = p.kernel_w = o["kernel"];
  p.stride_h = p.stride_w = o["stride"];
  p.pad_h = p.pad_w = o["padding"];
  p.ceil = o["ceil"];
  p.count_padding = o.value("count_include_pad", true);
  return p;
}

void replay_batch_norm(Replay& r) {
  const bool training = r.options()["training"];
  const real epsilon = r.options()["epsilon"];
  const Value x = r.input();
  const Value gamma = r.leaf("weight");
  const Value beta = r.leaf("bias");
  const ParameterPtr mean = r.parameter("running_mean", false, Role::statistic);
  const ParameterPtr variance = r.parameter("running_var", false, Role::statistic);
  r.check(training
              ? batch_norm_train(r.graph(), x, gamma, beta, mean, variance, epsilon, r.options()["momentum"])
              : batch_norm_frozen(r.graph(), x, gamma, beta, r.graph().parameter(mean),
                                  r.graph().parameter(variance), epsilon));
  r.near(mean->value(), r.golden("running_mean_after"), "running_mean");
  r.near(variance->value(), r.golden("running_var_after"), "running_var");
}

void replay_recurrent(Replay& r) {
  Graph& g = r.graph();
  const bool is_lstm = r.options()["op"] == "lstm";
  Value x = r.input();
  const Value lengths = r.has("lengths") ? r.feed("lengths") : Value{};
  for (int layer = 0; layer < r.options()["layers"]; ++layer) {
    std::vector<Value> directions;
    for (const bool reverse : {false, true}) {
      if (reverse && !r.options()["both_directions"]) continue;
      const std::string end = "_l" + std::to_string(layer) + (reverse ? "_reverse" : "");
      const RecurrentWeights w{r.leaf("weight_ih" + end), r.leaf("weight_hh" + end), r.leaf("bias_ih" + end),
                               r.leaf("bias_hh" + end)};
      directions.push_back(is_lstm ? lstm(g, x, w, {reverse, lengths}) : gru(g, x, w, {reverse, lengths}));
    }
    x = concatenate(g, directions, 2);
  }
  r.check(x);
}

void replay_cross_entropy(Replay& r) {
  CrossEntropyOptions o;
  o.smoothing = r.options()["label_smoothing"];
  if (r.has("class_weights")) {
    const auto weights = r.golden("class_weights").values();
    o.class_weights.assign(weights.begin(), weights.end());
  }
  const Value x = r.input();
  r.check(softmax_cross_entropy(r.graph(), x, r.feed("targets"), o));
}

const std::map<std::string, std::function<void(Replay&)>>& replays() {
  const auto activation = [](Activation a) {
    return [a](Replay& r) {
      r.check(activate(r.graph(), a, r.input(), static_cast<real>(r.options().value("slope", 0.0))));
    };
  };
  static const std::map<std::string, std::function<void(Replay&)>> all{
      {"dense",
       [](Replay& r) {
         const Value x = r.input();
         const Value w = r.leaf("weight");
         r.check(dense(r.graph(), x, w, r.has("bias") ? r.leaf("bias") : Value{}));
       }},
      {"conv2d",
       [](Replay& r) {
         const auto& o = r.options();
         const Value x = r.input();
         const Value w = r.leaf("weight");
         r.check(conv2d(r.graph(), x, w, r.has("bias") ? r.leaf("bias") : Value{},
                        {o["stride"][0], o["stride"][1], o["padding"][0], o["padding"][1], o["groups"]}));
       }},
      {"max_pool", [](Replay& r) { r.check(max_pool(r.graph(), r.input(), pool_options(r.options()))); }},
      {"avg_pool", [](Replay& r) { r.check(average_pool(r.graph(), r.input(), pool_options(r.options()))); }},
      {"global_avg_pool", [](Replay& r) { r.check(global_average_pool(r.graph(), r.input())); }},
      {"batch_norm", replay_batch_norm},
      {"layer_norm",
       [](Replay& r) {
         const Value x = r.input();
         const Value gamma = r.leaf("weight");
         r.check(layer_norm(r.graph(), x, gamma, r.leaf("bias"), r.options()["epsilon"]));
       }},
      {"relu", activation(Activation::relu)},
      {"leaky_relu", activation(Activation::leaky_relu)},
      {"gelu", activation(Activation::gelu)},
      {"silu", activation(Activation::silu)},
      {"sigmoid", activation(Activation::sigmoid)},
      {"tanh", activation(Activation::tanh)},
      {"softmax", [](Replay& r) { r.check(softmax(r.graph(), r.input())); }},
      {"embedding",
       [](Replay& r) {
         const Value tokens = r.feed("indices");
         r.check(embedding(r.graph(), tokens, r.leaf("weight", false)));
       }},
      {"lstm", replay_recurrent},
      {"gru", replay_recurrent},
      {"cross_entropy", replay_cross_entropy},
      {"bce_with_logits",
       [](Replay& r) {
         const Value x = r.input();
         r.check(binary_cross_entropy(r.graph(), x, r.feed("targets")));
       }},
      {"mse",
       [](Replay& r) {
         const Value x = r.input();
         r.check(mean_squared_error(r.graph(), x, r.feed("targets")));
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("values and gradients are PyTorch's") {
  if (!isa_in_force()) return;
  std::set<std::string> ops;
  int cases = 0;
  for (const Golden& golden : load_goldens("ops.safetensors")) {
    if (golden.name == "gelu_tanh") continue;  // ours is the exact formula
    const std::string op = golden.options["op"];
    REQUIRE_MESSAGE(replays().contains(op), op);
    CAPTURE(golden.name);
    Replay replay(golden);
    replays().at(op)(replay);
    ops.insert(op);
    ++cases;
  }
  CHECK(ops.size() == replays().size());
  CHECK(cases == 59);
}
