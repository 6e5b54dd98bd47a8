// What freezing promises, for every model of the registry and every cut: the first k blocks for each k, and
// one block in the middle alone; in both modes of a frozen batch norm. Beside the registry small networks
// with what it has none of: a bidirectional LSTM, a parameter that two blocks share.
#include <doctest/doctest.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/ops/dense.h"
#include "engine/program/cost.h"
#include "layers/activation.h"
#include "layers/branch.h"
#include "layers/dense.h"
#include "layers/recurrent.h"
#include "optim/optimizer.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

constexpr Index kBatch = 4;

using GradientMap = std::map<std::string, std::vector<real>>;

/// The registry's model for samples as small as it takes.
ModelPtr small_model(const ModelEntry& entry) {
  InputSpec input = entry.default_input;
  const Shape& usual = input.sample;
  if (input.vocabulary > 0) {
    input.sample = Shape{7};
    input.vocabulary = 11;
    return entry.make(input, entry.usual_classes == entry.default_input.vocabulary ? 11 : 5);
  }
  if (usual.rank() == 1) input.sample = Shape{20};
  if (usual.rank() == 2) input.sample = Shape{5, 6};
  if (usual.rank() == 3) {
    const Index size = entry.name == "squeezenet" ? 29 : usual[2] == 3 ? 8 : 12;
    input.sample = Shape{size, size, usual[2]};
  }
  return entry.make(input, 5);
}

/// Random values, those of normalisations too: with fresh ones there is nothing to fold.
void fill(Model& model) {
  model.initialise(7);
  Random random(3, "norms");
  for (const NamedParameter& p : model.parameters()) {
    if (p.parameter->role() != Role::norm && p.parameter->role() != Role::statistic) continue;
    const bool about_one = p.name.ends_with("weight") || p.name.ends_with("var");
    for (real& v : p.parameter->mutable_value().values())
      v = static_cast<real>(about_one ? random.uniform(0.5, 1.5) : random.uniform(-0.3, 0.3));
    p.parameter->touch();
  }
}

using Tensors = std::vector<std::pair<ParameterPtr, std::vector<real>>>;

Tensors copy_of(const Model& model) {
  Tensors all;
  for (const NamedParameter& p : model.parameters()) {
    const auto values = p.parameter->value().values();
    all.emplace_back(p.parameter, std::vector<real>(values.begin(), values.end()));
  }
  return all;
}

void restore(const Tensors& tensors) {
  for (const auto& [parameter, values] : tensors) {
    std::copy(values.begin(), values.end(), parameter->mutable_value().data());
    parameter->touch();
  }
}

std::unique_ptr<Program> compiled(const Model& model, const Feeds& feeds, bool batch_statistics, bool exact) {
  // Dropout acts wherever it stands, with and without what is frozen below it.
  auto program =
      training(model, kBatch,
               {.seed = 3, .batch_statistics = batch_statistics, .dropout_in_frozen = true, .exact = exact});
  feed_all(*program, feeds);
  return program;
}

GradientMap gradients_of(Program& program, const Tensors& start) {
  program.run(1);
  GradientMap result;
  for (const GradientView& view : program.gradients())
    result[view.parameter->name()] = {view.data, view.data + view.count};
  restore(start);  // running statistics have moved
  return result;
}

/// norm2(a - b) / norm2(b) over all tensors of a together.
double apart(const GradientMap& a, const GradientMap& b) {
  double scale = 0, distance = 0;
  for (const auto& [name, values] : a) {
    const std::vector<real>& others = b.at(name);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double d = double(values[i]) - double(others[i]);
      scale += double(others[i]) * double(others[i]);
      distance += d * d;
    }
  }
  return std::sqrt(distance / scale);
}

/// The gradient steps of one pass by layer and kind, and how many of each.
std::map<std::pair<std::string, std::string>, int> steps_of(const Program& program, Pass pass,
                                                            const std::set<int>& blocks) {
  std::map<std::pair<std::string, std::string>, int> counts;
  for (const Step& step : program.plan().steps) {
    const Node& node = *step.node;
    if (node.pass() == pass && blocks.contains(node.block())) ++counts[{node.label(), node.kind()}];
  }
  return counts;
}

std::string frozen_hash(const Model& model) {
  Sha256 hash;
  for (const NamedParameter& p : model.parameters()) {
    if (!p.parameter->trainable()) hash.update(std::as_bytes(std::span(p.parameter->value().values())));
  }
  return hash.hex();
}

class Subject {
 public:
  Subject(std::string name, ModelPtr model) : name_(std::move(name)), model_(std::move(model)) {
    fill(*model_);
    start_ = copy_of(*model_);
    for (std::uint64_t seed = 1; seed <= kDraws; ++seed) feeds_.push_back(make_feeds(*model_, kBatch, seed));
    for (const NamedParameter& p : model_->parameters())
      has_norms_ = has_norms_ || p.parameter->role() == Role::statistic;
  }

  int blocks() const { return static_cast<int>(model_->blocks().size()); }

  /// All cuts but the one that leaves nothing to train, and the middle block alone.
  std::vector<std::string> cuts() const {
    std::vector<std::string> all;
    for (int k = 0; k < blocks(); ++k) all.push_back(k == 0 ? "none" : std::to_string(k));
    if (blocks() > 2) all.push_back(model_->blocks()[static_cast<std::size_t>(blocks() / 2)].name);
    return all;
  }

  void check(const std::string& cut) {
    for (const bool batch_statistics : {false, true}) {
      if (batch_statistics && !has_norms_) continue;
      CAPTURE(name_);
      CAPTURE(cut);
      CAPTURE(batch_statistics);
      check(cut, batch_statistics);
    }
  }

  void check_all_frozen() {
    CAPTURE(name_);
    model_->set_freeze("all");
    CHECK_THROWS_WITH_AS(compiled(*model_, feeds_[0], false, false), doctest::Contains("frozen"), Error);
    const std::string before = frozen_hash(*model_);
    for (const Feeds& feeds : feeds_) logits(*model_, feeds);
    CHECK(frozen_hash(*model_) == before);
  }

 private:
  static constexpr std::uint64_t kDraws = 3;

  /// The unfrozen model in the batch-norm mode of the cut: running statistics where the cut has frozen them.
  void unfreeze(const std::string& cut, bool batch_statistics) {
    model_->set_freeze(cut);
    if (batch_statistics) return model_->set_freeze("none");
    for (const NamedParameter& p : model_->parameters()) {
      const bool norm = p.parameter->role() == Role::norm || p.parameter->role() == Role::statistic;
      if (!norm) p.parameter->set_trainable(true);
    }
  }

  void check(const std::string& cut, bool batch_statistics) {
    // Rounding alone moves a gradient by 1e-6, but it may take a rectifier or the greatest of a pool to the
    // other side, and then by as much as that element counts: such a draw says nothing, another one is taken.
    double closest = std::numeric_limits<double>::infinity();
    for (std::size_t draw = 0; draw < feeds_.size() && !(closest <= 1e-5); ++draw) {
      unfreeze(cut, batch_statistics);
      const auto unfrozen = compiled(*model_, feeds_[draw], batch_statistics, true);
      const GradientMap want = gradients_of(*unfrozen, start_);
      model_->set_freeze(cut);
      const auto exact = compiled(*model_, feeds_[draw], batch_statistics, true);
      const GradientMap got = gradients_of(*exact, start_);
      REQUIRE(!got.empty());
      for (const auto& gradient : got) {
        CAPTURE(gradient.first);
        CHECK(gradient.second == want.at(gradient.first));
      }
      const auto usual = compiled(*model_, feeds_[draw], batch_statistics, false);
      closest = std::min(closest, apart(gradients_of(*usual, start_), want));
      if (draw > 0) continue;
      check_steps(*unfrozen, *exact);
      check_steps(*unfrozen, *usual);
      check_training(*usual);
    }
    CHECK(closest <= 1e-5);
  }

  /// What trains has its weight gradients and no others; below the lowest of it there is nothing but forward.
  void check_steps(const Program& unfrozen, const Program& program) const {
    std::set<int> trains, in_part;
    for (int block = 0; block < blocks(); ++block) {
      const auto parameters = model_->block_parameters(block);
      const auto frozen = std::count_if(parameters.begin(), parameters.end(),
                                        [](const auto& p) { return !p.parameter->trainable(); });
      if (frozen < std::ssize(parameters)) (frozen == 0 ? trains : in_part).insert(block);
    }
    const int lowest =
        std::min(trains.empty() ? blocks() : *trains.begin(), in_part.empty() ? blocks() : *in_part.begin());
    std::set<int> whole;
    for (int block = 0; block < blocks(); ++block) {
      if (!in_part.contains(block)) whole.insert(block);
    }
    CHECK(steps_of(program, Pass::weight_gradient, whole) ==
          steps_of(unfrozen, Pass::weight_gradient, trains));
    for (const Step& step : program.plan().steps) {
      const Node& node = *step.node;
      if (node.pass() == Pass::forward) continue;
      CAPTURE(node.label());
      CAPTURE(node.kind());
      CHECK((node.block() >= lowest || node.block() < 0));
    }
    const ProgramCost cost = cost_of(program), full = cost_of(unfrozen);
    for (int block = 0; block < blocks(); ++block) {
      const auto b = static_cast<std::size_t>(block);
      const auto of = [&](const ProgramCost& c) {
        return b < c.blocks.size() ? c.blocks[b] : PerPass<Cost>{};
      };
      CAPTURE(block);
      const double weights = of(full).weight_gradient.macs, inputs = of(full).input_gradient.macs;
      if (in_part.contains(block)) {
        CHECK(of(cost).weight_gradient.macs < weights);
      } else {
        CHECK(of(cost).weight_gradient.macs == (trains.contains(block) ? weights : 0));
      }
      if (block > lowest) CHECK(of(cost).input_gradient.macs == inputs);
      if (block < lowest) CHECK(of(cost).input_gradient.macs == 0);
    }
    for (const Kept& kept : cost.kept) CHECK((kept.block >= lowest - 1 || kept.block < 0));
  }

  /// Three steps with momentum, decay and clipping: the frozen bytes stay, others move, and every run has the
  /// planned kernels and no others.
  void check_training(Program& program) {
    const std::string before = frozen_hash(*model_);
    const auto optimizer = make_sgd({.rate = 0.01, .momentum = 0.9, .decay = 0.01});
    program.run();
    const std::uint64_t once = program.counters().once;
    CHECK(once >= program.plan().once.size());
    for (std::uint64_t step = 0; step < 3; ++step) {
      program.run(step);
      CHECK(program.counters().kernels == program.plan().steps.size());
      optimizer->step(program.gradients(), {.clip_norm = 1});
    }
    CHECK(program.counters().once == once);
    CHECK(frozen_hash(*model_) == before);
    CHECK(optimizer->parameters_with_state() == program.gradients().size());
    for (const GradientView& view : program.gradients()) CHECK(view.parameter->trainable());
    std::size_t moved = 0;
    for (const auto& [parameter, values] : start_) {
      const auto now = parameter->value().values();
      const bool same = std::equal(now.begin(), now.end(), values.begin());
      if (!same) CHECK(parameter->trainable());
      moved += same ? 0 : 1;
    }
    CHECK(moved > 0);
    restore(start_);
  }

  std::string name_;
  ModelPtr model_;
  Tensors start_;
  std::vector<Feeds> feeds_;
  bool has_norms_ = false;
};

void check_cuts(const std::string& name, ModelPtr model) {
  Subject subject(name, std::move(model));
  for (const std::string& cut : subject.cuts()) subject.check(cut);
  subject.check_all_frozen();
}

/// x * weight with another layer's weight.
class Again final : public Layer {
 public:
  explicit Again(ParameterPtr weight) : weight_(weight) { share("weight", std::move(weight)); }
  LayerSpec spec() const override { return LayerSpec("again"); }
  Flow build(Graph& graph, Flow in) const override { return {dense(graph, in.x, graph.parameter(weight_))}; }

 private:
  ParameterPtr weight_;
};

const std::vector<std::string> kPlain{"mlp", "cnn", "bncnn", "lenet", "doodlenet", "vgg"};
const std::vector<std::string> kBranched{"resnet20", "resnet32", "resnet44", "resnet56", "squeezenet"};
const std::vector<std::string> kRecurrent{"lstm",     "lstm2",   "rowlstm", "rowlstm2",
                                          "textlstm", "textcnn", "charrnn"};

}  // namespace

TEST_CASE("every cut of dense and small convolutional models") {
  for (const std::string& name : kPlain) check_cuts(name, small_model(find_model(name)));
}

TEST_CASE("every cut of models with residual branches and parallel ones") {
  for (const std::string& name : kBranched) check_cuts(name, small_model(find_model(name)));
}

TEST_CASE("every cut of recurrent and text models") {
  for (const std::string& name : kRecurrent) check_cuts(name, small_model(find_model(name)));
}

TEST_CASE("no model of the registry is left out") {
  std::set<std::string> checked;
  for (const auto& list : {kPlain, kBranched, kRecurrent}) checked.insert(list.begin(), list.end());
  for (const ModelEntry& entry : model_registry()) CHECK_MESSAGE(checked.contains(entry.name), entry.name);
}

TEST_CASE("every cut of a bidirectional LSTM") {
  InputSpec input{Shape{6, 5}};
  input.lengths = true;
  auto model = std::make_shared<Model>("bidirectional", input, 4);
  model->add_block("lstm1",
                   {{"lstm", make<Lstm>({.in = 5, .hidden = 6, .layers = 2, .bidirectional = true})}});
  model->add_block("lstm2",
                   {{"", std::make_shared<Branch>(std::vector<LayerPtr>{
                             make<Lstm>({.in = 12, .hidden = 4, .first_layer = 2}),
                             make<Lstm>({.in = 12, .hidden = 4, .reverse = true, .first_layer = 2})})}});
  model->add_block("gru", {{"gru", make<Gru>({.in = 8, .hidden = 5, .bidirectional = true})}});
  model->add_block("fc", {{"last", std::make_shared<LastStep>()}, {"fc", make<Dense>({.in = 10, .out = 4})}});
  check_cuts("bidirectional", std::move(model));
}

TEST_CASE("every cut of a model two of whose blocks share a weight, which freezes in both") {
  const auto shared = make<Dense>({.in = 6, .out = 6, .bias = false});
  auto model = std::make_shared<Model>("tied", InputSpec{Shape{6}}, 6);
  model->add_block("in", {{"in", make<Dense>({.in = 6, .out = 6})},
                          {"relu", std::make_shared<Activate>(Activation::relu)}});
  model->add_block("middle", {{"tied_in", shared}, {"mix", make<Dense>({.in = 6, .out = 6})}});
  model->add_block("out", {{"out", make<Dense>({.in = 6, .out = 6})},
                           {"tied_out", std::make_shared<Again>(shared->weight())}});
  Subject subject("tied", model);
  for (const char* cut : {"none", "1", "2", "middle", "out", "0,2", "tied_in", "tied*"}) subject.check(cut);
  model->set_freeze("tied_out");
  CHECK_FALSE(shared->weight()->trainable());
  subject.check("mix,out.weight");
  subject.check_all_frozen();
}
