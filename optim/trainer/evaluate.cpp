#include "optim/trainer/evaluate.h"

#include <fmt/core.h>

#include "data/finite.h"
#include "engine/base/float_mode.h"
#include "optim/trainer/feed.h"
#include "optim/trainer/non_finite.h"
#include "optim/trainer/task_of.h"

namespace firn {

namespace {

/// Throws where a batch does not have what the task judges by.
void require_targets(const Task& task, const Batch& batch, const std::string& name) {
  const Tensor& have = batch.targets;
  const bool steps = task.each_step() && have.shape().rank() == 2;
  const Spec want = task.targets(steps ? Shape{batch.count, have.shape()[1], task.width()}
                                       : Shape{batch.count, task.width()});
  if (want.type == have.type() && want.shape == have.shape()) return;
  throw Error(Fault::usage, "evaluate",
              fmt::format("the targets of {} are {} {}, {} wants {} {}", name,
                          have.type() == DType::int32 ? "indices" : "numbers", have.shape().text(),
                          task.name(), want.type == DType::int32 ? "indices" : "numbers", want.shape.text()));
}

}  // namespace

Evaluation evaluate(const Model& model, ProgramCache& programs, Loader& loader,
                    const std::function<void(const Batch&, const real* logits)>& on_batch,
                    FeatureCache* features, std::optional<FreezeSet> freeze, const Loader* trained_on) {
  const Task& task = programs.task();
  const std::unique_ptr<Score> score = task.score();
  const auto judge = [&](const Batch& batch, const real* logits) {
    if (on_batch) on_batch(batch, logits);
    require_targets(task, batch, loader.data().info().name);
    score->add(logits, task.each_step() ? batch.targets.count() : batch.count, batch.targets);
  };
  answer_all(model, programs, loader, judge, features, std::move(freeze), trained_on);
  return score->result();
}

Evaluation evaluate(const Model& model, Loader& loader) {
  ProgramCache programs(model, {.task = task_of(loader.data().info())});
  return evaluate(model, programs, loader);
}

void answer_all(const Model& model, ProgramCache& programs, Loader& loader,
                const std::function<void(const Batch&, const real* logits)>& on_batch, FeatureCache* features,
                std::optional<FreezeSet> freeze, const Loader* trained_on, CarriedStates* states) {
  if (!freeze) freeze = model.freeze_set();
  const FlushSubnormals flush;
  const Task& task = programs.task();
  const bool kept = features != nullptr && features->validates();
  if (kept) features->complete_validation();
  loader.start(0, 0, kept ? features->content(FeatureCache::Part::validation) : Content::samples);
  Index done = 0;
  while (const Batch* batch = loader.next()) {
    Program& program = kept ? features->inference(*batch)
                            : programs.inference(batch->count, batch->x.shape().tail(1), freeze);
    if (!kept) feed_batch(program, model, *batch);
    if (states != nullptr) states->feed(program, done, batch->count);
    program.run();
    if (states != nullptr) states->take(program, done, batch->count);
    done += batch->count;
    const real* logits = program.output_data("logits");
    const Index rows = task.each_step() ? batch->targets.count() : batch->count;
    const auto count = static_cast<std::size_t>(rows * model.width());
    if (first_non_finite({logits, count}) != count) {
      // Kept features are not the samples; their place among the layers is not looked for.
      const NonFiniteCause cause = cause_of_non_finite(model, programs, *batch, loader, trained_on);
      throw Error(Fault::non_finite, "evaluate",
                  fmt::format("the answers for {} are no finite numbers{}{}", loader.data().info().name,
                              cause.text.empty() ? "" : ": ", cause.text));
    }
    on_batch(*batch, logits);
  }
}

}  // namespace firn
