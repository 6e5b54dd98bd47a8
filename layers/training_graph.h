// Graphs of training steps: a model, and the loss of a task.
#pragma once

#include <memory>

#include "layers/model.h"
#include "layers/task.h"

namespace firn {

/// The graph of a step, the Value of its loss, and what of the model it is fed ("x" or "features").
struct TrainingGraph {
  std::unique_ptr<Graph> graph;
  Value loss;
  Value in;
};

/// `Model::add_to` in the mode of training, with the feed "targets" (`Task::targets`) and the outputs "loss"
/// and "logits", of a part that goes on to the end. Throws Error(usage) where model and task do not fit each
/// other.
TrainingGraph training_graph(const Model& model, const Task& task, Index batch, const ModelPart& part,
                             Graph::Options options, const LossOptions& loss = {});

}  // namespace firn
