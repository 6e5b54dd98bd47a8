#include "tools/app/study/judge.h"

#include <algorithm>
#include <cmath>

#include "data/tokens.h"
#include "optim/trainer/evaluate.h"
#include "optim/trainer/task_of.h"
#include "tools/app/run/options.h"
#include "tools/app/study/statistics.h"

namespace firn::cli {

namespace {

/// The sample as it came from the data: bytes of an image, text of tokens.
void show(const Dataset& data, Mistake& mistake) {
  const DataInfo& info = data.info();
  if (info.kind == DataKind::image) {
    mistake.height = info.shape[0];
    mistake.width = info.shape[1];
    mistake.channels = info.shape[2];
    std::vector<real> values(static_cast<std::size_t>(info.shape.count()));
    data.fill_numbers(mistake.sample, values);
    for (const real value : values)
      mistake.pixels.push_back(
          static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, real(0), real(1)))));
  } else if (info.kind == DataKind::tokens) {
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(data.length(mistake.sample)));
    data.fill_tokens(mistake.sample, tokens);
    mistake.text = token_text(info, tokens);
  }
}

}  // namespace

Judgement judge_model(const Model& model, const Prepared& prepared, const DatasetPtr& data,
                      const Budget& budget, Index mistakes, FeaturePool* pool) {
  ProgramSettings settings;
  settings.task = task_of(data->info());
  settings.exact = budget.exact;
  settings.frozen_precision = frozen_precision(budget.frozen_precision, budget.exact);
  ProgramCache programs(model, settings);
  Loader loader = make_loader(data, prepared, std::max<Index>(budget.batch, 128), false, 0);
  Judgement judgement;
  Calibration calibration;
  const Index classes = model.width();
  const bool each_step = data->info().label_each_step;
  const bool sure = data->info().targets == TargetKind::classes;
  const auto look = [&](const Batch& batch, const real* logits) {
    if (!sure) return;
    for (Index row = 0; row < batch.targets.count(); ++row) {
      const std::int32_t truth = batch.targets.indices()[row];
      if (truth < 0) continue;
      const real* x = logits + row * classes;
      const Index said = std::max_element(x, x + classes) - x;
      double total = 0;
      for (Index c = 0; c < classes; ++c) total += std::exp(static_cast<double>(x[c] - x[said]));
      const double confidence = 1 / total;
      calibration.add(confidence, said == truth);
      if (said == truth || each_step || static_cast<Index>(judgement.mistakes.size()) >= mistakes) continue;
      Mistake mistake;
      mistake.sample = batch.samples[static_cast<std::size_t>(row)];
      mistake.truth = truth;
      mistake.predicted = said;
      mistake.confidence = confidence;
      show(*data, mistake);
      judgement.mistakes.push_back(std::move(mistake));
    }
  };
  const CacheConfig shared{.mode = pool != nullptr ? CacheMode::automatic : CacheMode::off, .pool = pool};
  FeatureCache features(model, programs, settings, shared, loader, &loader, 1);
  const FreezeSet freeze = model.freeze_set();
  if (const auto planned = features.planned(freeze); planned && planned->validates)
    features.begin_epoch(0, freeze);
  Evaluation evaluation = evaluate(model, programs, loader, look, &features);
  judgement.accuracy = evaluation.score();
  judgement.loss = evaluation.loss;
  judgement.samples = evaluation.samples;
  judgement.classes = classes;
  judgement.ece = sure ? calibration.error() : 0;
  if (settings.task->name() == "labels") judgement.macro_f1 = evaluation.score();
  if (sure) judgement.macro_f1 = evaluation.confusion.empty() ? 0 : evaluation.macro_f1();
  judgement.confusion = std::move(evaluation.confusion);
  return judgement;
}

}  // namespace firn::cli
