#include "optim/trainer/evaluate.h"

#include <fmt/core.h>

#include "data/finite.h"
#include "engine/base/float_mode.h"
#include "optim/trainer/feed.h"
#include "optim/trainer/non_finite.h"

namespace firn {

Evaluation evaluate(const Model& model, ProgramCache& programs, Loader& loader,
                    const std::function<void(const Batch&, const real* logits)>& on_batch,
                    FeatureCache* features, std::optional<FreezeSet> freeze, const Loader* trained_on) {
  if (!freeze) freeze = model.freeze_set();
  const FlushSubnormals flush;
  const Task& task = programs.task();
  const std::unique_ptr<Score> score = task.score();
  const bool kept = features != nullptr && features->validates();
  if (kept) features->complete_validation();
  loader.start(0, 0, kept ? features->content(FeatureCache::Part::validation) : Content::samples);
  while (const Batch* batch = loader.next()) {
    Program& program = kept ? features->inference(*batch)
                            : programs.inference(batch->count, batch->x.shape().tail(1), freeze);
    if (!kept) feed_batch(program, model, *batch);
    program.run();
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
    if (on_batch) on_batch(*batch, logits);
    score->add(logits, rows, batch->targets);
  }
  return score->result();
}

}  // namespace firn
