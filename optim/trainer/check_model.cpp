#include "optim/trainer/check_model.h"

#include "optim/trainer/feed.h"

namespace firn {

GradientCheck check_gradients(const Model& model, const Task& task, const Batch& batch, Index elements,
                              double by) {
  TrainingGraph built = training_graph(model, task, batch.count, batch.x.shape().tail(1), {});
  const auto step = Program::training(std::move(built.graph), built.loss);
  feed_batch(*step, model, batch);
  step->feed("targets", batch.targets);
  return check_gradients(*step, elements, by);
}

}  // namespace firn
