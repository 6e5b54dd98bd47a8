// Freezing finer than a tensor: the gradients of the units that train are the same bits as without, products,
// gradients and optimizer state are really smaller, and what is frozen of a tensor keeps its bytes.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "engine/base/sha256.h"
#include "engine/ops/dense.h"
#include "engine/program/cost.h"
#include "engine/program/listing.h"
#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/embedding.h"
#include "layers/norm.h"
#include "layers/pool.h"
#include "layers/recurrent.h"
#include "layers/shaping.h"
#include "layers/units.h"
#include "optim/optimizer.h"
#include "optim/trainer/program_cache.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

constexpr Index kBatch = 6;

/// Convolutions with groups, by channels, 1x1, strided and with few outputs, each with a batch norm.
ModelPtr make_convolutions() {
  auto model = std::make_shared<Model>("convolutions", InputSpec{Shape{8, 8, 3}}, 5);
  const auto add = [&](const std::string& name, Conv2d::Options options) {
    const Index out = options.out;
    model->add_block(name, {{name, make<Conv2d>(std::move(options))},
                            {name + "_bn", make<BatchNorm>({.channels = out})},
                            {"", std::make_shared<Activate>(Activation::relu)}});
  };
  add("few", {.in = 3, .out = 6, .kernel = 5, .pad = 2});
  add("wide", {.in = 6, .out = 72, .kernel = 3, .pad = 1});
  add("strided", {.in = 72, .out = 32, .kernel = 3, .stride = 2, .pad = 1});
  add("groups", {.in = 32, .out = 48, .kernel = 3, .pad = 1, .groups = 4});
  add("depthwise", {.in = 48, .out = 48, .kernel = 3, .pad = 1, .groups = 48});
  add("pointwise", {.in = 48, .out = 40, .kernel = 1});
  model->add_block(
      "head", {{"flatten", std::make_shared<Flatten>()}, {"fc", make<Dense>({.in = 4 * 4 * 40, .out = 5})}});
  return model;
}

/// An embedding, recurrent layers in both directions, a layer norm.
ModelPtr make_sequences() {
  InputSpec input{Shape{9}, 23, true};
  auto model = std::make_shared<Model>("sequences", input, 4);
  model->add_block("embed", {{"embed", make<Embedding>({.vocabulary = 23, .features = 10})}});
  model->add_block("lstm", {{"lstm", make<Lstm>({.in = 10, .hidden = 12, .bidirectional = true})},
                            {"norm", make<LayerNorm>({.features = 24})}});
  model->add_block("gru", {{"gru", make<Gru>({.in = 24, .hidden = 9, .bidirectional = true})}});
  model->add_block("fc", {{"last", std::make_shared<LastStep>()}, {"fc", make<Dense>({.in = 18, .out = 4})}});
  return model;
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

ModelPtr make_tied() {
  const auto shared = make<Dense>({.in = 8, .out = 8, .bias = false});
  auto model = std::make_shared<Model>("tied", InputSpec{Shape{8}}, 8);
  model->add_block("in", {{"in", make<Dense>({.in = 8, .out = 8})},
                          {"relu", std::make_shared<Activate>(Activation::relu)},
                          {"first", shared},
                          {"second", std::make_shared<Again>(shared->weight())}});
  return model;
}

std::vector<ModelPtr> all_models() {
  std::vector<ModelPtr> models{make_convolutions(), make_sequences(), make_tied()};
  for (const char* name : {"mlp", "cnn", "textcnn"}) {
    const ModelEntry& entry = find_model(name);
    models.push_back(entry.make(entry.default_input, entry.usual_classes));
  }
  for (const ModelPtr& model : models) model->initialise(7);
  return models;
}

/// The parameters that gradients reach, each once.
std::vector<ParameterPtr> learned(const Model& model) {
  std::vector<ParameterPtr> all;
  for (const NamedParameter& p : model.parameters()) {
    if (p.parameter->role() == Role::statistic) continue;
    if (std::find(all.begin(), all.end(), p.parameter) == all.end()) all.push_back(p.parameter);
  }
  return all;
}

/// Freezes part of every parameter: about `share` of its units, in up to three ranges.
void freeze_parts(const Model& model, double share, std::uint64_t seed) {
  Random random(seed, "parts");
  for (const ParameterPtr& p : learned(model)) {
    std::vector<UnitRange> frozen;
    const int ranges = 1 + static_cast<int>(random.below(3));
    for (int i = 0; i < ranges; ++i) {
      const auto length =
          std::max<Index>(1, static_cast<Index>(share * static_cast<double>(p->units()) / ranges));
      const auto room = static_cast<std::uint32_t>(p->units() - length + 1);
      const auto first = static_cast<Index>(random.below(room));
      frozen.push_back({first, first + length});
    }
    p->set_frozen_units(frozen);
  }
}

/// The elements of a parameter's units that train, or of the frozen ones.
std::vector<real> elements(const Parameter& p, const real* data, bool trains) {
  std::vector<real> result;
  const std::vector<UnitRange> frozen = p.frozen_units();
  const TrainableRanges part{std::max(p.unit_axis(), 0), trains ? complement(frozen, p.units()) : frozen};
  for_each_trainable(&part, p.shape(), 0, part.shape_in(p.shape()).count(),
                     [&](Index, Index place, Index count) {
                       result.insert(result.end(), data + place, data + place + count);
                     });
  return result;
}

std::string frozen_hash(const Model& model) {
  Sha256 hash;
  for (const ParameterPtr& p : learned(model)) {
    if (p->frozen_units().empty()) continue;
    const std::vector<real> values = elements(*p, p->value().data(), false);
    hash.update(std::as_bytes(std::span(values)));
  }
  return hash.hex();
}

std::unique_ptr<Program> compiled(const Model& model, const Feeds& feeds, bool exact) {
  auto program = training(model, kBatch, {.seed = 3, .dropout_in_frozen = true, .exact = exact});
  feed_all(*program, feeds);
  return program;
}

std::map<std::string, std::vector<real>> gradients_of(Program& program) {
  program.run(1);
  std::map<std::string, std::vector<real>> result;
  for (const GradientView& view : program.gradients())
    result[view.parameter->name()] = {view.data, view.data + view.count};
  return result;
}

}  // namespace

TEST_CASE("exact: the gradients of the units that train are the bits that they are without a frozen part") {
  for (const ModelPtr& model : all_models()) {
    CAPTURE(model->name());
    const Feeds feeds = make_feeds(*model, kBatch);
    const auto whole = compiled(*model, feeds, true);
    const auto want = gradients_of(*whole);
    for (const double share : {0.3, 0.75, 0.95}) {
      CAPTURE(share);
      freeze_parts(*model, share, static_cast<std::uint64_t>(100 * share));
      const auto part = compiled(*model, feeds, true);
      const auto got = gradients_of(*part);
      std::size_t compared = 0;
      for (const ParameterPtr& p : learned(*model)) {
        if (!p->trainable()) {
          CHECK(!got.contains(p->name()));
          continue;
        }
        CAPTURE(p->name());
        REQUIRE(got.contains(p->name()));
        CHECK(got.at(p->name()) == elements(*p, want.at(p->name()).data(), true));
        compared += got.at(p->name()).size() < want.at(p->name()).size();
      }
      CHECK(compared > 0);
      CHECK(cost_of(*part).total.weight_gradient.macs < cost_of(*whole).total.weight_gradient.macs);
      CHECK(cost_of(*part).total.forward.macs == cost_of(*whole).total.forward.macs);
      CHECK(cost_of(*part).total.input_gradient.macs <= cost_of(*whole).total.input_gradient.macs);
    }
    model->set_freeze("none");
  }
}

TEST_CASE("a quarter of the output channels has a quarter of the product; the listing says so") {
  const ModelPtr model = make_convolutions();
  model->initialise(1);
  const Feeds feeds = make_feeds(*model, kBatch);
  const auto product = [&](const std::string& layer) {
    const auto program = compiled(*model, feeds, false);
    double macs = 0;
    for (const Step& step : program->plan().steps) {
      if (step.node->label() == layer && step.node->pass() == Pass::weight_gradient)
        macs += step.node->op()->cost(*step.node).macs;
    }
    return macs;
  };
  for (const char* name : {"wide", "groups", "depthwise", "pointwise"}) {
    CAPTURE(name);
    model->set_freeze("none");
    const double whole = product(name);
    for (const NamedParameter& p : model->parameters()) {
      if (p.name == std::string(name) + ".weight")
        p.parameter->set_frozen_units({{0, p.parameter->units() * 3 / 4}});
    }
    CHECK(product(name) == whole / 4);
    const std::string text = listing(*compiled(*model, feeds, false));
    CHECK(text.find("channels frozen") != std::string::npos);
  }
  model->set_freeze("wide.weight[0:54]");
  CHECK(listing(*compiled(*model, feeds, false)).find("3x3 6->18 pad 1 of 72") != std::string::npos);
  // A group in part: the product is the whole one, gradient and state are the part's.
  model->set_freeze("groups.weight[0:1]");
  const auto program = compiled(*model, feeds, false);
  for (const GradientView& view : program->gradients()) {
    if (view.parameter->name() == "groups.weight") CHECK(view.count == 3 * 3 * 8 * 47);
  }
}

TEST_CASE("200 steps leave the frozen part's bytes as they were, with a late freeze and a thaw between") {
  for (const char* which : {"momentum", "adam", "rmsprop"}) {
    for (const ModelPtr& model : {make_convolutions(), make_sequences(), make_tied()}) {
      CAPTURE(which);
      CAPTURE(model->name());
      model->initialise(5);
      const Feeds feeds = make_feeds(*model, kBatch);
      const std::string kind = which;
      const auto optimizer = kind == "momentum" ? make_sgd({.rate = 0.01, .momentum = 0.9, .decay = 1e-2})
                             : kind == "adam"   ? make_adam({.rate = 1e-3, .decay = 1e-2})
                                              : make_rmsprop({.rate = 1e-3, .momentum = 0.9, .decay = 1e-2});
      const Index slots = kind == "momentum" ? 1 : 2;
      ProgramCache programs(*model, {});
      freeze_parts(*model, 0.5, 11);
      std::string frozen = frozen_hash(*model);
      for (std::uint64_t step = 0; step < 200; ++step) {
        if (step == 60 || step == 140) {
          CHECK(frozen_hash(*model) == frozen);
          if (step == 60) freeze_parts(*model, 0.8, 12);
          if (step == 140) {
            for (const ParameterPtr& p : learned(*model)) {
              set_trainable({p, {{0, std::max<Index>(1, p->units() / 3)}}}, true);
            }
          }
          frozen = frozen_hash(*model);
        }
        Program& program = programs.training(kBatch, model->input().sample);
        feed_all(program, feeds);
        program.run(step);
        Index trains = 0;
        std::map<std::string, std::vector<real>> before;
        for (const ParameterPtr& p : learned(*model)) {
          trains += static_cast<Index>(elements(*p, p->value().data(), true).size());
          if (step == 199 && p->trainable()) before[p->name()] = elements(*p, p->value().data(), true);
        }
        optimizer->step(program.gradients(), {.clip_norm = 0.5});
        CHECK(optimizer->state_bytes() == trains * slots * static_cast<Index>(sizeof(real)));
        for (const ParameterPtr& p : learned(*model)) {
          if (before.contains(p->name()) && p->role() == Role::weight)
            CHECK(elements(*p, p->value().data(), true) != before.at(p->name()));
        }
      }
      CHECK(frozen_hash(*model) == frozen);
      CHECK(programs.compiled() == 3);
    }
  }
}

TEST_CASE("the part that trains is updated as a tensor of its own would be, clipping and decay with it") {
  const Shape whole{4, 3, 10}, compact{4, 3, 5};
  FileLayout layout{Shape{10, 4, 3}, Shape{10, 4, 3}, {1, 2, 0}};
  for (const bool adam : {false, true}) {
    Parameter big("big", normal(whole, 1), Role::weight, layout);
    big.set_frozen_units({{0, 2}, {5, 8}});
    Parameter small("small", Tensor(compact), Role::weight);
    const std::vector<real> start = elements(big, big.value().data(), true);
    std::copy(start.begin(), start.end(), small.mutable_value().data());
    const std::vector<real> rest = elements(big, big.value().data(), false);
    const auto make = [&] {
      return adam ? make_adam({.rate = 1e-2, .decay = 0.1})
                  : make_sgd({.rate = 0.1, .momentum = 0.9, .decay = 0.1});
    };
    const auto of_big = make(), of_small = make();
    for (std::uint64_t step = 0; step < 5; ++step) {
      Tensor gradient = normal(compact, 10 + step);
      const std::vector<GradientView> a{{&big, gradient.data(), compact.count(), big.trainable_ranges()}};
      const std::vector<GradientView> b{{&small, gradient.data(), compact.count()}};
      const StepReport one = of_big->step(a, {.clip_norm = 1}), other = of_small->step(b, {.clip_norm = 1});
      CHECK(one.gradient_norm == other.gradient_norm);
      const auto want = small.value().values();
      CHECK(elements(big, big.value().data(), true) == std::vector<real>(want.begin(), want.end()));
    }
    CHECK(elements(big, big.value().data(), false) == rest);

    // Others train from now on: those that go on keep their momentum, those that are new begin at zero.
    const Tensor before = of_big->state(big)->slots[0].clone();
    big.set_frozen_units({{0, 3}});  // 3 and 4, 8 and 9 went on; 5 to 7 are new
    Tensor gradient(Shape{4, 3, 7});
    const std::vector<GradientView> a{{&big, gradient.data(), gradient.count(), big.trainable_ranges()}};
    of_big->step(a);
    const Tensor& now = of_big->state(big)->slots[0];
    REQUIRE(now.shape() == Shape{4, 3, 7});
    for (Index row = 0; row < 12; ++row) {
      CHECK((now.data()[row * 7 + 0] != 0) == (before.data()[row * 5 + 1] != 0));
      for (Index i = 2; i < 5 && adam; ++i) CHECK(std::abs(now.data()[row * 7 + i]) <= real(0.1));
    }
  }
}

TEST_CASE("an LSTM whose matrices are frozen sums no outer products and keeps nothing for them") {
  const ModelPtr model = make_sequences();
  model->initialise(1);
  const Feeds feeds = make_feeds(*model, kBatch);
  const auto steps = [&](const Program& program, const std::string& kind) {
    return std::count_if(program.plan().steps.begin(), program.plan().steps.end(), [&](const Step& step) {
      return step.node->label() == "lstm" && step.node->kind() == kind;
    });
  };
  const auto full = compiled(*model, feeds, false);
  CHECK(steps(*full, "dense_dw") == 2);
  CHECK(steps(*full, "recurrent_dw") == 2);

  model->set_freeze("lstm.weight_*");
  const auto frozen = compiled(*model, feeds, false);
  CHECK(steps(*frozen, "dense_dw") == 0);
  CHECK(steps(*frozen, "recurrent_dw") == 0);
  CHECK(steps(*frozen, "lstm_backward") == 2);  // for the biases and the embedding
  frozen->run(1);
  full->run(1);
  CHECK(frozen->counters().kernels == frozen->plan().steps.size());
  CHECK(frozen->counters().kernels + 4 <= full->counters().kernels);
  const auto kept_for = [](const Program& program, const std::string& reader) {
    Index bytes = 0;
    for (const Kept& kept : cost_of(program).kept) {
      for (const std::string& name : kept.readers) bytes += name.ends_with(reader) ? kept.bytes : 0;
    }
    return bytes;
  };
  CHECK(kept_for(*full, "lstm: dense_dw") > 0);
  CHECK(kept_for(*full, "lstm: recurrent_dw") > 0);
  CHECK(kept_for(*frozen, "lstm: dense_dw") == 0);
  CHECK(kept_for(*frozen, "lstm: recurrent_dw") == 0);
  CHECK(cost_of(*frozen).kept_bytes < cost_of(*full).kept_bytes);

  // One gate: a quarter of the product.
  model->set_freeze("lstm.weight_hh_l0[i+f+g],lstm.weight_ih_l0[i+f+g]");
  const auto gate = compiled(*model, feeds, false);
  const auto macs = [&](const Program& program, const std::string& kind) {
    double least = 1e30;
    for (const Step& step : program.plan().steps) {
      if (step.node->label() == "lstm" && step.node->kind() == kind)
        least = std::min(least, step.node->op()->cost(*step.node).macs);
    }
    return least;
  };
  for (const char* kind : {"dense_dw", "recurrent_dw"}) CHECK(macs(*gate, kind) == macs(*full, kind) / 4);
  CHECK(listing(*gate).find("3 of 4 gates frozen (i+f+g)") != std::string::npos);
}

TEST_CASE("programs are kept by the units that train") {
  const ModelPtr model = make_tied();
  ProgramCache programs(*model, {});
  const Shape sample = model->input().sample;
  model->set_freeze("[fs]*.weight[0:4]");
  const Program* one = &programs.training(4, sample);
  model->set_freeze("none");
  CHECK(&programs.training(4, sample) != one);
  model->set_freeze("[fs]*.weight[4:8]");
  CHECK(&programs.training(4, sample) != one);
  model->set_freeze("[fs]*.weight[0:2+2:4]");
  CHECK(&programs.training(4, sample) == one);
  CHECK(programs.compiled() == 3);
}
