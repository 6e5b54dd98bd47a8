#include "tools/app/study/judge.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "data/targets.h"
#include "optim/trainer/evaluate.h"
#include "optim/trainer/task_of.h"
#include "tools/app/run/options.h"
#include "tools/app/study/statistics.h"

namespace firn::cli {

namespace {

/// One byte, or two of many classes.
void add_class(std::vector<std::uint8_t>& to, Index said, Index classes) {
  to.push_back(static_cast<std::uint8_t>(said & 0xff));
  if (classes > 256) to.push_back(static_cast<std::uint8_t>(said >> 8 & 0xff));
}

/// Scores whose mean is sum(a) / sum(b): r + (a_i - r b_i) / mean(b), what an item adds to the ratio r to
/// first order. Where every b is 1 they are a.
std::vector<float> ratio_scores(const std::vector<double>& a, const std::vector<double>& b) {
  const double whole = std::accumulate(b.begin(), b.end(), 0.0);
  const double ratio = whole > 0 ? std::accumulate(a.begin(), a.end(), 0.0) / whole : 0;
  const double mean = whole / static_cast<double>(std::max<std::size_t>(1, b.size()));
  std::vector<float> scores(a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    scores[i] = static_cast<float>(mean > 0 ? ratio + (a[i] - ratio * b[i]) / mean : 0);
  return scores;
}

/// Of numbers and several labels: R² and F1 are ratios of sums over the items, and means over the outputs
/// that have one.
void add_answers(ItemAnswers& items, const Evaluation& evaluation, bool labels) {
  const auto n = static_cast<std::size_t>(evaluation.samples);
  if (n == 0 || evaluation.answers.size() % n != 0 || evaluation.answers.empty()) return;
  const std::size_t width = evaluation.answers.size() / n;
  items.kind = labels ? "labels" : "numbers";
  std::vector<double> sums(n);
  std::size_t used = 0;
  for (std::size_t output = 0; output < width; ++output) {
    std::vector<double> a(n), b(n);
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i)
      mean += evaluation.truths[i * width + output] / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double said = evaluation.answers[i * width + output],
                   truth = evaluation.truths[i * width + output];
      if (labels) {
        const bool yes = said >= 0.5, is = truth >= 0.5;
        a[i] = yes && is ? 2 : 0;
        b[i] = (yes ? 1 : 0) + (is ? 1 : 0);
      } else {
        a[i] = (said - truth) * (said - truth);
        b[i] = (truth - mean) * (truth - mean);
      }
    }
    if (std::accumulate(b.begin(), b.end(), 0.0) <= 0) {
      if (labels) continue;
      ++used;  // truths that are all the same: right or not
      const double one = std::accumulate(a.begin(), a.end(), 0.0) > 0 ? 0 : 1;
      for (double& sum : sums) sum += one;
      continue;
    }
    ++used;
    const std::vector<float> scores = ratio_scores(a, b);
    for (std::size_t i = 0; i < n; ++i)
      sums[i] += labels ? static_cast<double>(scores[i]) : 1 - static_cast<double>(scores[i]);
  }
  for (const double sum : sums)
    items.scores.push_back(static_cast<float>(sum / static_cast<double>(std::max<std::size_t>(1, used))));
  items.answers.resize(evaluation.answers.size() * sizeof(float));
  for (std::size_t i = 0; i < evaluation.answers.size(); ++i) {
    const auto value = static_cast<float>(evaluation.answers[i]);
    std::memcpy(items.answers.data() + i * sizeof value, &value, sizeof value);
  }
}

}  // namespace

Judgement judge_model(const Model& model, const Prepared& prepared, const DatasetPtr& data,
                      const Budget& budget, Index mistakes, FeaturePool* pool) {
  ProgramSettings settings;
  settings.task = task_of(data->info());
  settings.exact = budget.exact;
  settings.types.all = frozen_precision(budget.precision, budget.exact, "--precision");
  settings.types.frozen = frozen_precision(budget.frozen_precision, budget.exact);
  ProgramCache programs(model, settings);
  Loader loader = make_loader(data, prepared, std::max<Index>(budget.batch, 128), false, 0);
  Judgement judgement;
  Calibration calibration;
  const Index classes = model.width();
  const bool each_step = data->info().label_each_step;
  const bool sure = data->info().targets == TargetKind::classes;
  ItemAnswers& items = judgement.items;
  std::vector<double> right, steps;  // of each item
  const auto look = [&](const Batch& batch, const real* logits) {
    if (!sure) return;
    const Index first = static_cast<Index>(right.size());
    right.resize(static_cast<std::size_t>(first + batch.count));
    steps.resize(right.size());
    for (Index row = 0; row < batch.targets.count(); ++row) {
      const std::int32_t truth = batch.targets.indices()[row];
      if (truth < 0) continue;
      const real* x = logits + row * classes;
      const auto item = static_cast<std::size_t>(first + row * batch.count / batch.targets.count());
      const Index said = std::max_element(x, x + classes) - x;
      double total = 0;
      for (Index c = 0; c < classes; ++c) total += std::exp(static_cast<double>(x[c] - x[said]));
      const double confidence = 1 / total;
      calibration.add(confidence, said == truth);
      right[item] += said == truth ? 1 : 0;
      steps[item] += 1;
      if (!each_step) add_class(items.answers, said, classes);
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
  const bool labels = target_kind_of(settings.task->name()) == TargetKind::labels;
  if (labels) judgement.macro_f1 = evaluation.score();
  if (sure) judgement.macro_f1 = evaluation.confusion.empty() ? 0 : evaluation.macro_f1();
  if (sure) {
    items.kind = each_step ? "steps" : "classes";
    items.scores = ratio_scores(right, steps);
  } else {
    add_answers(items, evaluation, labels);
  }
  judgement.confusion = std::move(evaluation.confusion);
  return judgement;
}

}  // namespace firn::cli
