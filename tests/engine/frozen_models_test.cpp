// What freezing promises, on models of the registry.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/rng.h"
#include "engine/program/cost.h"
#include "layers/model.h"

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
  Case c{entry.make(entry.usual_input, entry.usual_classes), entry.usual_input.sample, {}, {}};
  c.model->initialise(7);
  std::vector<Index> sizes{kBatch};
  sizes.insert(sizes.end(), c.sample.sizes().begin(), c.sample.sizes().end());
  c.x = Tensor(Shape(std::span<const Index>(sizes)));
  Random random(1, "x");
  for (real& x : c.x.values()) x = static_cast<real>(random.uniform(-1, 1));
  c.labels = Tensor(Shape{kBatch}, Type::index);
  for (Index i = 0; i < kBatch; ++i)
    c.labels.indices()[i] = static_cast<std::int32_t>(i % entry.usual_classes);
  return c;
}

std::unique_ptr<Program> training(const Case& c, bool fuse, bool batch_statistics) {
  Model::Training built =
      c.model->training_graph(kBatch, c.sample, {.seed = 3, .batch_statistics = batch_statistics});
  auto program = Program::training(std::move(built.graph), built.loss, {.fuse = fuse});
  program->feed("x", c.x);
  program->feed("labels", c.labels);
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
      CHECK(cost.kept_bytes < full.kept_bytes);
      CHECK(cost.total.forward.macs == full.total.forward.macs);
      CHECK(cost.total.weight_gradient.macs < full.total.weight_gradient.macs);
      CHECK(cost.total.input_gradient.macs <= full.total.input_gradient.macs);
      CHECK(!program->left_out().empty());
    }
    c.model->set_freeze("none");
  }
}

TEST_CASE("the trainable gradients are the same bits with a frozen part, in the same batch-norm mode") {
  for (const char* name : {"cnn", "resnet20", "lstm"}) {
    const Case c = make_case(name);
    for (const bool fuse : {false, true}) {
      c.model->set_freeze("none");
      const auto want = gradients_of(*training(c, fuse, true));
      for (const std::string freeze : {"1", "half", "head"}) {
        c.model->set_freeze(freeze);
        const auto got = gradients_of(*training(c, fuse, true));
        CHECK(got.size() < want.size());
        CHECK(!got.empty());
        for (const auto& [which, gradient] : got) {
          CHECK_MESSAGE(gradient == want.at(which),
                        name << " " << freeze << (fuse ? " fused: " : ": ") << which);
        }
      }
    }
  }
}
