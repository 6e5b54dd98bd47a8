// What is cheap is computed again where it is read late, and not kept; what is packed for the backward pass
// alone is not there before.
#include "engine/program/recompute.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/program/cost.h"
#include "layers/model.h"
#include "layers/network/network.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"
#include "tests/engine/small_nets.h"

using namespace firn;
using namespace firn::test;

namespace {

/// Group of the first step of this layer, operation and pass, and how many there are; -1 for none.
struct Found {
  int group = -1;
  int count = 0;
};
Found find(const Program& program, const std::string& label, const std::string& kind, Pass pass) {
  Found found;
  const Plan& plan = program.plan();
  for (std::size_t g = 0; g < plan.groups.size(); ++g) {
    for (const int index : plan.groups[g].steps) {
      const Node& node = *plan.steps[static_cast<std::size_t>(index)].node;
      if (node.label() != label || node.kind() != kind || node.pass() != pass) continue;
      if (found.count++ == 0) found.group = static_cast<int>(g);
    }
  }
  return found;
}

bool keeps(const Program& program, const std::string& label, const std::string& what) {
  const ProgramCost cost = cost_of(program);
  return std::any_of(cost.kept.begin(), cost.kept.end(), [&](const Kept& kept) {
    return kept.label == label && kept.what.find(what) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("a training batch norm keeps its input, its output is computed again") {
  const auto net = make_conv_net();
  const auto program = net->training();
  // Once where it is made, once where the shortcut reads it, behind the second batch norm's statistics.
  CHECK(find(*program, "norm1", "batch_norm", Pass::forward).count == 2);
  const Found again = find(*program, "norm1", "batch_norm", Pass::weight_gradient);
  CHECK(again.count == 1);
  CHECK(again.group == find(*program, "conv2", "conv2d_dw", Pass::weight_gradient).group);
  CHECK(keeps(*program, "conv1", "conv2d"));
  CHECK(!keeps(*program, "norm1", "batch_norm"));
  // The ReLU behind it is part of what reads its gradient.
  CHECK(find(*program, "norm1", "relu_gradient", Pass::input_gradient).count == 0);
}

TEST_CASE("what a frozen batch norm's convolution gives is kept: nothing cheap makes it") {
  const auto net = make_conv_net();
  net->freeze("conv1");
  net->freeze("norm1");
  const auto program = net->training();
  CHECK(keeps(*program, "conv1", "conv2d"));
  CHECK(find(*program, "norm1", "batch_norm", Pass::weight_gradient).count == 0);
}

TEST_CASE("of residual blocks in a row every second output is kept") {
  const ModelEntry& entry = find_model("resnet20");
  const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
  TrainingGraph built = training_graph(*model, *usual_task(*model), 16, entry.default_input.sample, {});
  const auto program = Program::training(std::move(built.graph), built.loss);
  CHECK(!keeps(*program, "bn1", "batch_norm"));
  CHECK(!keeps(*program, "layer1.0.bn2", "batch_norm"));
  CHECK(keeps(*program, "layer1.1.bn2", "batch_norm"));
  CHECK(!keeps(*program, "layer1.2.bn2", "batch_norm"));
}

TEST_CASE("packs for input gradients wait for the backward pass") {
  const ModelEntry& entry = find_model("vgg");
  const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
  TrainingGraph built = training_graph(*model, *usual_task(*model), 8, entry.default_input.sample, {});
  const auto program = Program::training(std::move(built.graph), built.loss);
  const auto last_forward = find(*program, "loss", "softmax_cross_entropy", Pass::forward);
  REQUIRE(last_forward.group > 0);
  for (const char* layer : {"conv2", "conv3", "conv4", "conv5", "conv6"}) {
    CAPTURE(layer);
    const Found pack = find(*program, layer, "pack_dx", Pass::input_gradient);
    CHECK(pack.count == 1);
    CHECK(pack.group > last_forward.group);
    CHECK(pack.group < find(*program, layer, "conv2d_dx", Pass::input_gradient).group);
    CHECK(find(*program, layer, "pack", Pass::forward).group < last_forward.group);
  }
}

TEST_CASE("what is read in another group alone is not computed where it was made") {
  // The shortcut's batch norm is an input of the sum, which the other one takes in, in a later group.
  const Shape image{16, 16, 8};
  const ModelPtr model = make_builtin(
      "net",
      "[a] conv 8, graph { b: conv 16 3x3 stride 2 no_bias, m: norm, r: relu, c: conv 16 no_bias, n: norm, "
      "s: conv 16 1x1 stride 2 no_bias from in, t: norm, sum: add from n t, relu }\n"
      "[b] conv 16 no_bias, norm, relu, conv 16 no_bias, norm, relu, global_pool, dense",
      {.sample = image}, 3);
  model->initialise(1);
  TrainingGraph built = training_graph(*model, *usual_task(*model), 8, image, {});
  const auto program = Program::training(std::move(built.graph), built.loss);
  CHECK(find(*program, "t", "batch_norm", Pass::forward).count == 1);
  Tensor x(Shape{8, 16, 16, 8});
  for (Index i = 0; i < x.count(); ++i) x.data()[i] = static_cast<real>(i % 7);
  const Tensor labels(Shape{8}, DType::int32);
  program->feed("x", x);
  program->feed("targets", labels);
  program->run();
  CHECK(std::isfinite(*program->output_data("loss")));
}
