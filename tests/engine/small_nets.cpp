#include "tests/engine/small_nets.h"

#include <stdexcept>

#include "engine/base/rng.h"
#include "engine/base/sha256.h"
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

namespace firn::test {

namespace {

constexpr Index kClasses = 3;

Tensor random_numbers(Shape shape, double low, double high, Random random) {
  Tensor tensor(shape);
  for (real& x : tensor.values()) x = static_cast<real>(random.uniform(low, high));
  return tensor;
}

Tensor random_indices(Shape shape, Index low, Index high, Random random) {
  Tensor tensor(shape, DType::int32);
  for (Index i = 0; i < tensor.count(); ++i) {
    tensor.indices()[i] =
        static_cast<std::int32_t>(low + random.below(static_cast<std::uint32_t>(high - low + 1)));
  }
  return tensor;
}

}  // namespace

SmallNet::SmallNet(Index batch, Index features, std::uint64_t seed) : batch_(batch), seed_(seed) {
  feeds_["labels"] = random_indices({batch}, 0, kClasses - 1, Random(seed, "labels"));
  make_dense("head", features, kClasses);
}

ParameterPtr SmallNet::make(const std::string& name, Shape shape, double low, double high, Role role) {
  parameters_.push_back(
      std::make_shared<Parameter>(name, random_numbers(shape, low, high, Random(seed_, name)), role));
  return parameters_.back();
}

void SmallNet::make_dense(const std::string& name, Index in, Index out) {
  make(name + ".weight", {in, out});
  make(name + ".bias", {out}, -0.1, 0.1, Role::bias);
}

void SmallNet::make_norm(const std::string& name, Index channels) {
  make(name + ".weight", {channels}, 0.5, 1.5, Role::norm);
  make(name + ".bias", {channels}, -0.2, 0.2, Role::norm);
  make(name + ".running_mean", {channels}, -0.3, 0.3, Role::statistic);
  make(name + ".running_var", {channels}, 0.5, 1.5, Role::statistic);
}

Parameter& SmallNet::parameter(const std::string& name) const {
  for (const ParameterPtr& p : parameters_) {
    if (p->name() == name) return *p;
  }
  throw std::logic_error("no parameter " + name);
}

void SmallNet::freeze(const std::string& prefix, bool frozen) const {
  for (const ParameterPtr& p : parameters_) {
    if (p->name().starts_with(prefix)) p->set_trainable(!frozen);
  }
}

Value SmallNet::get(Graph& graph, const std::string& name) const {
  for (const ParameterPtr& p : parameters_) {
    if (p->name() == name) return graph.parameter(p);
  }
  throw std::logic_error("no parameter " + name);
}

Value SmallNet::dense_layer(Graph& graph, const std::string& name, Value x) const {
  const Scope scope(graph, name);
  return dense(graph, x, get(graph, name + ".weight"), get(graph, name + ".bias"));
}

Value SmallNet::norm_layer(Graph& graph, const std::string& name, Value x) const {
  const Scope scope(graph, name);
  const Value gamma = get(graph, name + ".weight");
  const Value beta = get(graph, name + ".bias");
  const Value mean = get(graph, name + ".running_mean");
  const Value variance = get(graph, name + ".running_var");
  const bool moves = mean.node->parameter()->trainable();
  if (graph.options().mode == Mode::infer || !(moves || graph.options().batch_statistics)) {
    return batch_norm_frozen(graph, x, gamma, beta, mean, variance, real(1e-5));
  }
  return batch_norm_train(graph, x, gamma, beta, moves ? mean.node->parameter() : nullptr,
                          moves ? variance.node->parameter() : nullptr, real(1e-5), real(0.1));
}

Value SmallNet::logits(Graph& graph) const {
  return dense_layer(graph, "head", features(graph));
}

Value SmallNet::loss(Graph& graph, Value logits) const {
  const Scope scope(graph, "loss");
  return softmax_cross_entropy(graph, logits, graph.feed("labels", {batch_}, DType::int32));
}

std::unique_ptr<Program> SmallNet::training(ProgramOptions options, bool batch_statistics) const {
  auto graph = std::make_unique<Graph>(Graph::Options{.seed = 3, .batch_statistics = batch_statistics});
  const Value y = logits(*graph);
  const Value total = loss(*graph, y);
  graph->output("logits", y);
  graph->output("loss", total);
  auto program = Program::training(std::move(graph), total, std::move(options));
  feed(*program);
  return program;
}

std::unique_ptr<Program> SmallNet::inference(ProgramOptions options) const {
  auto graph = std::make_unique<Graph>(Graph::Options{.mode = Mode::infer});
  graph->output("logits", logits(*graph));
  auto program = Program::inference(std::move(graph), std::move(options));
  feed(*program);
  return program;
}

void SmallNet::feed(Program& program) const {
  for (const Value& source : program.plan().sources) {
    if (source.node->is_feed()) program.feed(source.node->label(), feeds_.at(source.node->label()));
  }
}

namespace {

class MlpNet final : public SmallNet {
 public:
  explicit MlpNet(Index batch) : SmallNet(batch, 9, 11) {
    feeds_["x"] = random_numbers({batch, 6}, -1, 1, Random(1, "x"));
    make_dense("fc1", 6, 8);
    make_dense("fc2", 8, 9);
  }
  Value features(Graph& g) const override {
    const Value x = g.feed("x", {batch_, 6});
    const Value y = activate(g, Activation::relu, dense_layer(g, "fc1", x));
    return activate(g, Activation::gelu, dense_layer(g, "fc2", y));
  }
};

class ConvNet final : public SmallNet {
 public:
  explicit ConvNet(Index batch) : SmallNet(batch, 3 * 3 * 5, 12) {
    feeds_["x"] = random_numbers({batch, 6, 6, 2}, -1, 1, Random(2, "x"));
    make("conv1.weight", {3, 3, 2, 5});
    make_norm("norm1", 5);
    make("conv2.weight", {3, 3, 5, 5});
    make("conv2.bias", {5}, -0.1, 0.1, Role::bias);
    make_norm("norm2", 5);
  }
  Value features(Graph& g) const override {
    const Value x = g.feed("x", {batch_, 6, 6, 2});
    const Value y = activate(g, Activation::relu, norm_layer(g, "norm1", convolution(g, "conv1", x, false)));
    const Value z = norm_layer(g, "norm2", convolution(g, "conv2", y, true));
    return flatten(g, max_pool(g, activate(g, Activation::relu, add(g, z, y)), {}));
  }

 private:
  Value convolution(Graph& g, const std::string& name, Value x, bool bias) const {
    const Scope scope(g, name);
    return conv2d(g, x, get(g, name + ".weight"), bias ? get(g, name + ".bias") : Value{},
                  {.pad_h = 1, .pad_w = 1});
  }
};

class SequenceNet final : public SmallNet {
 public:
  explicit SequenceNet(Index batch) : SmallNet(batch, 5, 13) {
    feeds_["x"] = random_indices({batch, 7}, 0, 9, Random(3, "x"));
    feeds_["lengths"] = random_indices({batch}, 1, 7, Random(3, "lengths"));
    make("embed.weight", {10, 4});
    for (const auto& [name, in, gates] :
         {std::tuple<const char*, Index, Index>{"lstm", 4, 4}, {"gru", 5, 3}}) {
      const std::string cell = name;
      make(cell + ".weight_ih", {in, gates * 5});
      make(cell + ".weight_hh", {5, gates * 5});
      make(cell + ".bias_ih", {gates * 5}, -0.1, 0.1, Role::bias);
      make(cell + ".bias_hh", {gates * 5}, -0.1, 0.1, Role::bias);
    }
    make("norm.weight", {5}, 0.5, 1.5, Role::norm);
    make("norm.bias", {5}, -0.2, 0.2, Role::norm);
  }
  Value features(Graph& g) const override {
    const Value tokens = g.feed("x", {batch_, 7}, DType::int32);
    const Value lengths = g.feed("lengths", {batch_}, DType::int32);
    Value y;
    {
      const Scope scope(g, "embed");
      y = embedding(g, tokens, get(g, "embed.weight"));
    }
    {
      const Scope scope(g, "lstm");
      y = lstm(g, y, weights(g, "lstm"), {false, lengths});
    }
    {
      const Scope scope(g, "norm");
      y = layer_norm(g, y, get(g, "norm.weight"), get(g, "norm.bias"), real(1e-5));
    }
    const Scope scope(g, "gru");
    return last_step(g, gru(g, y, weights(g, "gru"), {false, lengths}), lengths);
  }

 private:
  RecurrentWeights weights(Graph& g, const std::string& cell) const {
    return {get(g, cell + ".weight_ih"), get(g, cell + ".weight_hh"), get(g, cell + ".bias_ih"),
            get(g, cell + ".bias_hh")};
  }
};

void hash_in(Sha256& hash, const Parameter& parameter) {
  hash.update(std::as_bytes(parameter.value().values()));
}

}  // namespace

std::unique_ptr<SmallNet> make_mlp_net(Index batch) {
  return std::make_unique<MlpNet>(batch);
}
std::unique_ptr<SmallNet> make_conv_net(Index batch) {
  return std::make_unique<ConvNet>(batch);
}
std::unique_ptr<SmallNet> make_sequence_net(Index batch) {
  return std::make_unique<SequenceNet>(batch);
}

std::map<std::string, std::unique_ptr<SmallNet>> small_nets() {
  std::map<std::string, std::unique_ptr<SmallNet>> nets;
  nets["mlp"] = make_mlp_net();
  nets["conv"] = make_conv_net();
  nets["sequence"] = make_sequence_net();
  return nets;
}

std::string hash_of_frozen(const std::vector<ParameterPtr>& parameters) {
  Sha256 hash;
  for (const ParameterPtr& p : parameters) {
    if (!p->trainable()) hash_in(hash, *p);
  }
  return hash.hex();
}

std::string hash_of(const std::vector<ParameterPtr>& parameters) {
  Sha256 hash;
  for (const ParameterPtr& p : parameters) hash_in(hash, *p);
  return hash.hex();
}

}  // namespace firn::test
