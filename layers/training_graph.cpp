#include "layers/training_graph.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "layers/tasks/classification.h"

namespace firn {

namespace {

TrainingGraph with_loss(std::unique_ptr<Graph> graph, Value output, const Task& task,
                        const LossOptions& loss) {
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
  return {std::move(graph), value};
}

std::unique_ptr<Graph> empty_graph(Graph::Options options) {
  options.mode = Mode::train;
  return std::make_unique<Graph>(options);
}

}  // namespace

TrainingGraph training_graph(const Model& model, const Task& task, Index batch, const Shape& sample,
                             Graph::Options options, const LossOptions& loss) {
  auto graph = empty_graph(std::move(options));
  const Value output = model.output(*graph, batch, sample);
  return with_loss(std::move(graph), output, task, loss);
}

TrainingGraph head_training_graph(const Model& model, const Task& task, Index batch, const CutPoint& from,
                                  Graph::Options options, const LossOptions& loss) {
  auto graph = empty_graph(std::move(options));
  const Value output = model.head_output(*graph, batch, from);
  return with_loss(std::move(graph), output, task, loss);
}

TaskPtr usual_task(const Model& model) {
  if (model.each_step()) return std::make_shared<NextToken>(model.width(), model.input().lengths);
  return std::make_shared<Classification>(model.width());
}

}  // namespace firn
