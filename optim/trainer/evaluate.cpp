#include "optim/trainer/evaluate.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "data/finite.h"
#include "engine/base/float_mode.h"
#include "optim/trainer/feed.h"
#include "optim/trainer/non_finite.h"

namespace firn {

namespace {

/// log(sum(exp(x))) without overflow.
double log_sum_exp(const real* x, Index count) {
  const real top = *std::max_element(x, x + count);
  double total = 0;
  for (Index i = 0; i < count; ++i) total += std::exp(static_cast<double>(x[i] - top));
  return static_cast<double>(top) + std::log(total);
}

}  // namespace

double Evaluation::macro_f1() const {
  double total = 0;
  Index seen = 0;
  for (Index c = 0; c < classes; ++c) {
    Index truly = 0;
    Index said = 0;
    for (Index other = 0; other < classes; ++other) {
      truly += confusion[static_cast<std::size_t>(c * classes + other)];
      said += confusion[static_cast<std::size_t>(other * classes + c)];
    }
    if (truly == 0) continue;
    ++seen;
    total += 2.0 * static_cast<double>(confusion[static_cast<std::size_t>(c * classes + c)]) /
             static_cast<double>(truly + said);
  }
  return seen > 0 ? total / static_cast<double>(seen) : 0;
}

Evaluation evaluate(const Model& model, ProgramCache& programs, Loader& loader,
                    const std::function<void(const Batch&, const real* logits)>& on_batch,
                    FeatureCache* features, std::optional<FreezeSet> freeze, const Loader* trained_on) {
  if (!freeze) freeze = model.freeze_set();
  const FlushSubnormals flush;
  Evaluation result;
  result.classes = model.classes();
  const auto classes = static_cast<std::size_t>(model.classes());
  if (!model.language_model()) result.confusion.assign(classes * classes, 0);
  double loss = 0;
  const bool kept = features != nullptr && features->validates();
  loader.start(0, 0, kept ? features->content(FeatureCache::Part::validation) : Content::samples);
  while (const Batch* batch = loader.next()) {
    Program& program = kept ? features->inference(*batch)
                            : programs.inference(batch->count, batch->x.shape().tail(1), freeze);
    if (!kept) feed_batch(program, model, *batch);
    program.run();
    const real* logits = program.output_data("logits");
    const auto count = static_cast<std::size_t>(batch->labels.count() * model.classes());
    if (first_non_finite({logits, count}) != count) {
      // Kept features are not the samples; their place among the layers is not looked for.
      const NonFiniteCause cause = cause_of_non_finite(model, programs, *batch, loader, trained_on);
      throw Error(Fault::non_finite, "evaluate",
                  fmt::format("the answers for {} are no finite numbers{}{}", loader.data().info().name,
                              cause.text.empty() ? "" : ": ", cause.text));
    }
    if (on_batch) on_batch(*batch, logits);
    const std::int32_t* labels = batch->labels.indices();
    for (Index row = 0; row < batch->labels.count(); ++row) {
      if (labels[row] < 0) continue;
      const real* x = logits + row * model.classes();
      const Index said = std::max_element(x, x + model.classes()) - x;
      ++result.samples;
      result.right += said == labels[row] ? 1 : 0;
      loss += log_sum_exp(x, model.classes()) - static_cast<double>(x[labels[row]]);
      if (!result.confusion.empty())
        ++result.confusion[static_cast<std::size_t>(labels[row]) * classes + static_cast<std::size_t>(said)];
    }
  }
  result.loss = result.samples > 0 ? loss / static_cast<double>(result.samples) : 0;
  return result;
}

}  // namespace firn
