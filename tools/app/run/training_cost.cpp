#include "tools/app/run/training_cost.h"

#include <algorithm>

#include "engine/base/parallel.h"
#include "optim/trainer/trainer.h"
#include "tools/app/cost/step_forecast.h"

namespace firn::cli {

namespace {

Forecast priced(const Program& program, Machine& machine, const std::function<void(Index)>& each) {
  const int threads = thread_count();
  return forecast(program, threads, machine.overheads(program.threads_of(threads)), machine.prices(), each);
}

double update_seconds(const TrainingTask& task, const Program& program, Machine& machine) {
  std::vector<Index> counts;
  for (const GradientView& gradient : program.gradients()) counts.push_back(gradient.count);
  return machine.optimizer_seconds(task.optimizer, counts, thread_count());
}

/// Of all multiply-adds of a step.
double forward_share(const Program& program) {
  const PerPass<Cost> total = cost_of(program).total;
  const auto of = [](const Cost& cost) { return static_cast<double>(cost.macs); };
  const double all = of(total.forward) + of(total.input_gradient) + of(total.weight_gradient);
  return all > 0 ? of(total.forward) / all : 1;
}

}  // namespace

TrainingCost training_cost(const TrainingTask& task, Trainer& trainer, Machine& machine,
                           const std::function<void(Index)>& each) {
  const DataParts& data = task.session.data;
  const Index samples = data.train->size(), batch = std::min(task.batch, samples);
  const Shape& sample = task.session.recipe.input.sample;
  ProgramCache& programs = trainer.programs();
  Program& program = programs.training(batch, sample);
  const RandomBatch random(task.model, batch, sample, &trainer.task());
  random.feed(program, task.model);
  const Forecast step = priced(program, machine, each);
  const double update = update_seconds(task, program, machine);

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
    Program& head = programs.head_training(batch, sample, planned->cut);
    const std::vector<Tensor> fed = feed_indices(head, task.model.input().vocabulary);
    const Forecast kept = priced(head, machine, each);
    const auto first = static_cast<double>(std::min(planned->epochs, task.epochs));
    cost.kept = kept.seconds + update;
    cost.training = first * (steps * cost.step + validation * step.total.forward) +
                    (epochs - first) * (steps * cost.kept + validation * kept.total.forward);
  }
  cost.bytes = training_bytes(task, program, machine);
  return cost;
}

double training_bytes(const TrainingTask& task, const Program& step, Machine& machine) {
  const StepBytes bytes =
      step_bytes(task.model, step, task.optimizer()->slots_of_a_parameter(), thread_count());
  return static_cast<double>(base_bytes(thread_count(), machine) + bytes.all());
}

double resident_bytes(const TrainingTask& task, Trainer& trainer, Machine& machine,
                      const MemoryLimit& limit) {
  const Index batch = std::min(task.batch, task.session.data.train->size());
  const Program& step = trainer.programs().training(batch, task.session.recipe.input.sample);
  const bool keeps = trainer.features().planned(trainer.freeze_set()).has_value();
  return training_bytes(task, step, machine) + limit.data_bytes(task.session.data) +
         (keeps ? limit.feature_bytes() : 0);
}

RunWork run_work(const TrainingTask& task, Trainer& trainer, Machine& machine) {
  const DataParts& data = task.session.data;
  const auto size = [](const DatasetPtr& part) { return part ? part->size() : Index{0}; };
  RunWork work;
  work.epochs = work.computing = task.epochs;
  work.samples = size(data.train);
  work.batch = std::min(task.batch, work.samples);
  work.validation = size(data.validation);
  work.test = size(data.test);
  const Shape& sample = task.session.recipe.input.sample;
  ProgramCache& programs = trainer.programs();
  work.forward = forward_share(programs.training(work.batch, sample));
  if (const auto planned = trainer.features().planned(trainer.freeze_set())) {
    work.computing = std::min(planned->epochs, task.epochs);
    work.kept_validation = planned->validates;
    Program& head = programs.head_training(work.batch, sample, planned->cut);
    const std::vector<Tensor> fed = feed_indices(head, task.model.input().vocabulary);
    work.kept_step = priced(head, machine, {}).seconds + update_seconds(task, head, machine);
    work.kept_forward = forward_share(head);
  }
  return work;
}

}  // namespace firn::cli
