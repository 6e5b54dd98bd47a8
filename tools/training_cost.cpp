#include "tools/training_cost.h"

#include <algorithm>

#include "engine/base/parallel.h"
#include "optim/trainer/trainer.h"
#include "tools/step_forecast.h"

namespace firn::cli {

namespace {

Forecast priced(const Program& program, Machine& machine, const std::function<void(Index)>& each) {
  const int threads = thread_count();
  return forecast(program, threads, machine.overheads(program.threads_of(threads)), machine.prices(), each);
}

}  // namespace

TrainingCost training_cost(const TrainingTask& task, Trainer& trainer, Machine& machine,
                           const std::function<void(Index)>& each) {
  const DataParts& data = task.session.data;
  const Index samples = data.train->size(), batch = std::min(task.batch, samples);
  const Shape& sample = task.session.recipe.input.sample;
  ProgramCache& programs = trainer.programs();
  Program& program = programs.training(batch, sample);
  const RandomBatch random(task.model, batch, sample);
  random.feed(program, task.model);
  const Forecast step = priced(program, machine, each);
  std::vector<Index> counts;
  for (const GradientView& gradient : program.gradients()) counts.push_back(gradient.count);
  const double update = machine.optimizer_seconds(task.optimizer, counts, thread_count());

  const auto steps = static_cast<double>((samples + task.batch - 1) / task.batch);
  const auto epochs = static_cast<double>(task.epochs);
  const auto batches_of = [&](const DatasetPtr& part) {
    return part ? static_cast<double>(part->size()) / static_cast<double>(batch) : 0.0;
  };
  const double validation = batches_of(data.validation);
  TrainingCost cost;
  cost.step = step.seconds + update;
  cost.training = epochs * (steps * cost.step + validation * step.total.forward);
  cost.test = batches_of(data.test) * step.total.forward;
  if (const auto planned = trainer.features().planned(trainer.freeze_set())) {
    Program& head = programs.head_training(batch, sample, planned->seam);
    const std::vector<Tensor> fed = feed_indices(head, task.model.input().vocabulary);
    const Forecast kept = priced(head, machine, each);
    const auto first = static_cast<double>(std::min(planned->epochs, task.epochs));
    cost.kept = kept.seconds + update;
    cost.training = first * (steps * cost.step + validation * step.total.forward) +
                    (epochs - first) * (steps * cost.kept + validation * kept.total.forward);
  }
  const StepBytes bytes =
      step_bytes(task.model, program, task.optimizer()->slots_of_a_parameter(), thread_count());
  cost.bytes = static_cast<double>(base_bytes(thread_count(), machine) + bytes.all());
  return cost;
}

}  // namespace firn::cli
