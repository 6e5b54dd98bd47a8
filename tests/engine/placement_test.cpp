// No two values of a plan that live at the same time share a byte, checked pair by pair.
#include <doctest/doctest.h>

#include "layers/tasks/usual.h"
#include "layers/training_graph.h"
#include "tests/engine/op_runner.h"
#include "tests/engine/placement.h"
#include "tests/engine/small_nets.h"

using namespace firn;
using namespace firn::test;

namespace {

void check_places(const Program& program, const std::string& what) {
  CHECK(program.plan().places.size() > 1);
  std::vector<Value> keep;
  for (const auto& [name, value] : program.graph().outputs()) keep.push_back(value);
  for (const auto& gradient : program.derivatives().gradients) keep.push_back(gradient.value);
  for (const std::string& line : misplaced(program.plan(), keep)) FAIL_CHECK(what << ": " << line);
}

}  // namespace

TEST_CASE("places of every row of the table") {
  for (const OpCase& row : op_cases()) {
    for (const bool fuse : {false, true}) {
      for (const Index rows : {0, 2}) {
        CaseRun run(row, {.fuse = fuse, .slice_rows = rows});
        check_places(run.program(), row.op + " " + row.name);
      }
    }
  }
}

TEST_CASE("places of the small networks, whatever is frozen") {
  for (const auto& [name, net] : small_nets()) {
    check_places(*net->inference(), name + " inference");
    for (const ParameterPtr& parameter : net->parameters()) {
      for (const bool fuse : {false, true}) {
        net->freeze("", false);
        check_places(*net->training({.fuse = fuse}), name);
        parameter->set_trainable(false);
        check_places(*net->training({.fuse = fuse}), name + " without " + parameter->name());
        if (parameter->role() == Role::statistic) continue;
        net->freeze("");
        parameter->set_trainable(true);
        check_places(*net->training({.fuse = fuse}), name + " with " + parameter->name() + " alone");
      }
    }
  }
}

TEST_CASE("places of registry models") {
  for (const char* name :
       {"mlp", "cnn", "lenet", "vgg", "resnet20", "lstm", "lstm2", "rowlstm", "textlstm", "textcnn"}) {
    const ModelEntry& entry = find_model(name);
    const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
    for (const char* freeze : {"none", "half", "head"}) {
      model->set_freeze(freeze);
      TrainingGraph built = training_graph(*model, *usual_task(*model), 4, entry.default_input.sample, {});
      check_places(*Program::training(std::move(built.graph), built.loss), std::string(name) + " " + freeze);
    }
    check_places(*Program::inference(model->inference_graph(4, entry.default_input.sample)), name);
  }
}

TEST_CASE("a value moved onto another one is found") {
  const auto net = make_conv_net();
  const auto program = net->training();
  std::vector<Value> keep;
  for (const auto& [name, value] : program->graph().outputs()) keep.push_back(value);
  for (const ParameterGradient& gradient : program->derivatives().gradients) keep.push_back(gradient.value);
  Plan plan = program->plan();
  REQUIRE(misplaced(plan, keep).empty());
  int caught = 0;
  int moved = 0;
  for (Step& step : plan.steps) {
    for (std::size_t o = 0; o < step.outputs.size(); ++o) {
      Operand& output = step.outputs[o];
      if (output.base != Operand::Base::shared) continue;
      // Onto what the step reads while it writes.
      for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        const Operand& input = step.inputs[i];
        const bool in_place =
            step.node->op()->traits().in_place.allows(static_cast<int>(i), static_cast<int>(o));
        if (input.base != Operand::Base::shared || input.offset == output.offset || in_place) continue;
        const Operand old = output;
        output.offset = input.offset;
        ++moved;
        caught += misplaced(plan, keep).empty() ? 0 : 1;
        output = old;
      }
    }
  }
  CHECK(moved > 5);
  CHECK(caught == moved);
}
