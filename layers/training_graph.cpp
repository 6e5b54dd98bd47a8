#include "layers/training_graph.h"

#include <fmt/core.h>

#include "engine/base/error.h"

namespace firn {

TrainingGraph training_graph(const Model& model, const Task& task, Index batch, const ModelPart& part,
                             Graph::Options options, const LossOptions& loss) {
  options.mode = Mode::train;
  auto graph = std::make_unique<Graph>(options);
  const auto [in, output] = model.add_to(*graph, batch, part);
  if (task.each_step() != (output.shape().rank() == 3)) {
    throw Error(Fault::usage, std::string(task.name()),
                fmt::format("the model's output is {}: it answers {}, the task {}", output.shape().text(),
                            task.each_step() ? "once a sample" : "each step",
                            task.each_step() ? "each step" : "once a sample"));
  }
  const Spec spec = task.targets(output.shape());
  const Value targets = graph->feed("targets", spec.shape, spec.type);
  const Scope scope(*graph, "loss");
  const Value value = task.loss(*graph, output, targets, loss);
  graph->output("loss", value);
  graph->output("logits", output);
  return {std::move(graph), value, in};
}

}  // namespace firn
