// What a learner answers.
#include <fmt/core.h>

#include <algorithm>

#include "data/targets.h"
#include "engine/base/error.h"
#include "optim/trainer/evaluate.h"
#include "optim/trainer/feed.h"
#include "tools/app/api/learner_parts.h"
#include "tools/app/run/picture_questions.h"
#include "tools/app/run/text_questions.h"

namespace firn {

namespace {

constexpr Index kAsked = 64;  // samples of a batch

LoaderOptions asking_options(const cli::Session& session, Index samples) {
  LoaderOptions options = cli::loader_options(session, kAsked, 0);
  options.shuffle = false;
  options.background = samples > kAsked;  // a thread costs more than one batch takes
  return options;
}

}  // namespace

cli::Session Learner::Parts::asked(const DatasetPtr& samples, cli::Purpose purpose) const {
  require_samples(samples->info());
  cli::Session copy = session;
  copy.data = {.test = samples, .all = samples};
  const bool judging = purpose == cli::Purpose::judge;
  if (judging && samples->info().targets == TargetKind::numbers && !session.recipe.targets.mean.empty())
    copy.data.test = copy.data.all = with_target_scale(samples, session.recipe.targets);
  if (!prepared) {
    if (judging) require_answers(samples->info());
    return copy;
  }
  cli::SessionChoice choice;
  choice.purpose = purpose;
  choice.model.weights = called;
  cli::fit_to_weights(choice, copy, !judging);
  return copy;
}

ProgramCache& Learner::Parts::asking() const {
  if (!programs) programs.emplace(*session.model, ProgramSettings{.task = session.task});
  return *programs;
}

Tensor Learner::outputs(const DatasetPtr& samples, const Each& each) const {
  const cli::Session session = parts_->asked(samples, cli::Purpose::predict);
  Loader loader(session.data.all, asking_options(session, samples->size()));
  const Index width = model().width();
  Tensor rows(Shape{samples->size(), width});
  real* to = rows.data();
  answer_all(model(), parts_->asking(), loader, [&](const Batch& batch, const real* values) {
    const Index steps = model().each_step() ? batch.x.shape()[1] : 1;
    for (Index i = 0; i < batch.count; ++i, to += width)
      std::copy_n(values + (i * steps + steps - 1) * width, width, to);
    if (each) each();
  });
  return rows;
}

Tensor Learner::answers(const DatasetPtr& samples, const Each& each) const {
  Tensor rows = outputs(samples, each);
  const Index width = model().width();
  real* row = rows.data();
  for (Index i = 0; i < samples->size(); ++i, row += width) {
    for (const auto& answer : task().predict(row, width)) row[answer.place] = static_cast<real>(answer.value);
  }
  return rows;
}

Evaluation Learner::evaluate(const DatasetPtr& samples, const Each& each) const {
  const cli::Session session = parts_->asked(samples, cli::Purpose::judge);
  Loader loader(session.data.all, asking_options(session, samples->size()));
  return firn::evaluate(model(), parts_->asking(), loader, [&](const Batch&, const real*) {
    if (each) each();
  });
}

Tensor Learner::features(const DatasetPtr& samples, const std::string& upto, const Each& each) const {
  const int block = model().find_block(upto);
  const std::size_t behind = model().blocks()[static_cast<std::size_t>(block)].last_child;
  if (behind >= model().children().size()) return outputs(samples, each);
  const cli::Session session = parts_->asked(samples, cli::Purpose::predict);
  LoaderOptions options = asking_options(session, samples->size());
  options.width_multiple = std::max<Index>(1, session.data.all->info().shape[0]);  // all of one length
  Loader loader(session.data.all, options);
  Tensor all;
  real* to = nullptr;
  loader.start(0);
  while (const Batch* batch = loader.next()) {
    const Shape sample = batch->x.shape().tail(1);
    const CutPoint cut = model().cut_point_at(behind, sample);
    Program& program = parts_->asking().features(batch->count, sample, cut);
    feed_batch(program, model(), *batch);
    program.run();
    if (!all.defined()) {
      std::vector<Index> sizes{samples->size()};
      sizes.insert(sizes.end(), cut.features.sizes().begin(), cut.features.sizes().end());
      all = Tensor(Shape(std::span<const Index>(sizes)));
      to = all.data();
    }
    const Index count = batch->count * cut.features.count();
    to = std::copy_n(program.output_data("features"), count, to);
    if (each) each();
  }
  return all;
}

DatasetPtr Learner::pictures(std::span<const std::string> paths) const {
  const cli::PictureQuestions asked = cli::picture_questions(parts_->session.recipe, paths);
  if (!asked.bad.empty()) throw Error(Fault::data, "predict", asked.bad.front());
  return asked.samples;
}

DatasetPtr Learner::texts(const std::vector<std::string>& texts) const {
  return cli::text_questions(parts_->session.recipe, texts).samples;
}

}  // namespace firn
