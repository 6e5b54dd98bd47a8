// What freezing promises, on models of the registry.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/base/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/ops/activation.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/loss.h"
#include "engine/program/cost.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"

using namespace firn;

namespace {

constexpr Index kBatch = 4;

struct Case {
  ModelPtr model;
  Shape sample;
  Tensor x, labels;
};

Case make_case(const std::string& name) {
  const ModelEntry& entry = find_model(name);
  Case c{entry.make(entry.default_input, entry.usual_classes), entry.default_input.sample, {}, {}};
  c.model->initialise(7);
  std::vector<Index> sizes{kBatch};
  sizes.insert(sizes.end(), c.sample.sizes().begin(), c.sample.sizes().end());
  c.x = Tensor(Shape(std::span<const Index>(sizes)));
  Random random(1, "x");
  for (real& x : c.x.values()) x = static_cast<real>(random.uniform(-1, 1));
  c.labels = Tensor(Shape{kBatch}, DType::int32);
  for (Index i = 0; i < kBatch; ++i)
    c.labels.indices()[i] = static_cast<std::int32_t>(i % entry.usual_classes);
  return c;
}

std::unique_ptr<Program> training(const Case& c, bool fuse, bool batch_statistics, bool exact = false) {
  TrainingGraph built = training_graph(*c.model, *usual_task(*c.model), kBatch, c.sample,
                                       {.seed = 3, .batch_statistics = batch_statistics, .exact = exact});
  auto program = Program::training(std::move(built.graph), built.loss, {.fuse = fuse});
  program->feed("x", c.x);
  program->feed("targets", c.labels);
  return program;
}

std::map<std::string, std::vector<real>> gradients_of(Program& program) {
  program.run(1);
  std::map<std::string, std::vector<real>> result;
  for (const GradientView& view : program.gradients()) {
    result[view.parameter->name()] = {view.data, view.data + view.count};
  }
  return result;
}

}  // namespace

TEST_CASE("frozen blocks have no gradient kernels, and those below the lowest trainable one keep nothing") {
  for (const char* name : {"cnn", "resnet20", "lstm"}) {
    const Case c = make_case(name);
    const int blocks = static_cast<int>(c.model->blocks().size());
    const ProgramCost full = cost_of(*training(c, true, false));
    for (const std::string freeze : {"1", "half", "head"}) {
      c.model->set_freeze(freeze);
      std::set<int> trains;
      for (int block = 0; block < blocks; ++block) {
        for (const NamedParameter& p : c.model->block_parameters(block)) {
          if (p.parameter->trainable()) trains.insert(block);
        }
      }
      REQUIRE(!trains.empty());
      const int lowest = *trains.begin();
      REQUIRE(lowest > 0);
      const auto program = training(c, true, false);
      for (const Step& step : program->plan().steps) {
        const Node& node = *step.node;
        CAPTURE(node.label());
        CAPTURE(node.kind());
        if (node.pass() == Pass::forward) continue;
        CHECK((node.block() >= lowest || node.block() < 0));
        if (node.pass() == Pass::weight_gradient && node.block() >= 0) CHECK(trains.contains(node.block()));
      }
      for (const GradientView& view : program->gradients()) CHECK(view.parameter->trainable());
      const ProgramCost cost = cost_of(*program);
      for (const Kept& kept : cost.kept) CHECK((kept.block >= lowest - 1 || kept.block < 0));
      // Where only the first layer is frozen, its output is kept instead of what it is computed from again.
      CHECK(cost.kept_bytes <= full.kept_bytes);
      if (freeze != "1") CHECK(cost.kept_bytes < full.kept_bytes);
      CHECK(cost.total.forward.macs == full.total.forward.macs);
      CHECK(cost.total.weight_gradient.macs < full.total.weight_gradient.macs);
      CHECK(cost.total.input_gradient.macs <= full.total.input_gradient.macs);
      CHECK(!program->left_out().empty());
    }
    c.model->set_freeze("none");
  }
}

TEST_CASE(
    "exact: the trainable gradients are the same bits with a frozen part, in the same batch-norm mode") {
  for (const char* name : {"cnn", "resnet20", "lstm"}) {
    const Case c = make_case(name);
    for (const bool fuse : {false, true}) {
      c.model->set_freeze("none");
      const auto want = gradients_of(*training(c, fuse, true, true));
      for (const std::string freeze : {"1", "half", "head"}) {
        c.model->set_freeze(freeze);
        const auto got = gradients_of(*training(c, fuse, true, true));
        CHECK(got.size() < want.size());
        CHECK(!got.empty());
        for (const auto& gradient : got) {
          CHECK_MESSAGE(gradient.second == want.at(gradient.first),
                        name << " " << freeze << (fuse ? " fused: " : ": ") << gradient.first);
        }
      }
    }
  }
}

namespace {

/// Three 3x3 convolutions of 64 channels with GELU between them: rectifiers have gradients that jump where a
/// sum is rounded to the other side of zero, whatever it is rounded by.
struct SmoothNet {
  std::vector<ParameterPtr> weights;
  Tensor x{Shape{8, 14, 14, 64}}, target{Shape{8, 14, 14, 64}};

  SmoothNet() {
    Random random(2, "smooth");
    for (Tensor* tensor : {&x, &target}) {
      for (real& v : tensor->values()) v = static_cast<real>(random.normal());
    }
    for (const char* name : {"conv1", "conv2", "conv3"}) {
      Tensor weight(Shape{3, 3, 64, 64});
      for (real& v : weight.values()) v = static_cast<real>(random.normal() * std::sqrt(2.0 / (9 * 64)));
      weights.push_back(std::make_shared<Parameter>(name, std::move(weight), Role::weight));
    }
  }

  std::map<std::string, std::vector<real>> gradients(bool exact) const {
    auto graph = std::make_unique<Graph>(Graph::Options{.exact = exact});
    Value y = graph->feed("x", x.shape());
    for (const ParameterPtr& weight : weights) {
      const Scope scope(*graph, weight->name());
      y = activate(*graph, Activation::gelu,
                   conv2d(*graph, y, graph->parameter(weight), {}, {.pad_h = 1, .pad_w = 1}));
    }
    const Value loss = mean_squared_error(*graph, y, graph->feed("target", target.shape()));
    const auto program = Program::training(std::move(graph), loss);
    program->feed("x", x);
    program->feed("target", target);
    return gradients_of(*program);
  }
};

/// |a - b| / |b| in the Euclidean norm.
double apart(const std::vector<real>& a, const std::vector<real>& b) {
  double scale = 0, distance = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double d = double(a[i]) - double(b[i]);
    scale += double(b[i]) * double(b[i]);
    distance += d * d;
  }
  return std::sqrt(distance / scale);
}

}  // namespace

TEST_CASE("not exact: the trainable gradients of a smooth network are within 1e-5 with a frozen part") {
  const SmoothNet net;
  const auto want = net.gradients(true);
  for (const bool frozen : {false, true}) {
    for (const std::size_t which : {0u, 1u, 2u}) {
      for (const ParameterPtr& weight : net.weights) weight->set_trainable(true);
      net.weights[which]->set_trainable(!frozen);
      for (const auto& [name, gradient] : net.gradients(true)) CHECK(gradient == want.at(name));
      for (const auto& got : net.gradients(false)) {
        const double distance = apart(got.second, want.at(got.first));
        CAPTURE(got.first);
        CHECK(distance <= 1e-5);
        // All of them depend on the forward pass, which only the plain loops compute directly.
        CHECK((distance > 0) == (kernels().isa != Isa::naive));
      }
    }
  }
}

TEST_CASE("not exact: the loss of the registry's models is within 1e-5, frozen or not") {
  for (const char* name : {"resnet20", "vgg", "cnn"}) {
    const Case c = make_case(name);
    const auto loss = [&](bool exact) {
      const auto program = training(c, true, true, exact);
      program->run(1);
      return double(program->output("loss").data()[0]);
    };
    const double want = loss(true);
    for (const std::string freeze : {"none", "1", "half", "head"}) {
      c.model->set_freeze(freeze);
      CHECK(loss(true) == want);
      CHECK(std::abs(loss(false) - want) <= 1e-5 * want);
    }
  }
}
