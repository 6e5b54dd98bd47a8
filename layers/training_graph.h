// Graphs of training steps: a model, and the loss of a task.
#pragma once

#include <memory>

#include "layers/model.h"
#include "layers/task.h"

namespace firn {

/// The graph of a step and the Value of its loss.
struct TrainingGraph {
  std::unique_ptr<Graph> graph;
  Value loss;
};

/// `Model::inference_graph` in the mode of training, with the feed "targets" (`Task::targets`) and the
/// outputs "loss" and "logits". Throws Error(usage) where model and task do not fit each other.
TrainingGraph training_graph(const Model& model, const Task& task, Index batch, const Shape& sample,
                             Graph::Options options, const LossOptions& loss = {});

/// The same of the children behind a place, fed with "features" in the place of "x". Given what
/// `Model::features_graph` gives, the numbers are those of the whole model.
TrainingGraph head_training_graph(const Model& model, const Task& task, Index batch, const CutPoint& from,
                                  Graph::Options options, const LossOptions& loss = {});

/// What a model is for where nothing else is said: the classes of its output, or the next token where it
/// answers each step.
TaskPtr usual_task(const Model& model);

}  // namespace firn
