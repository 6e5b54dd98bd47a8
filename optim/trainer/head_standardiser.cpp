#include "optim/trainer/head_standardiser.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "layers/dense.h"
#include "optim/trainer/feed.h"
#include "optim/trainer/history.h"

namespace firn {

namespace {

/// Weight and bias of a dense layer at the end; empty: there is none.
std::vector<NamedParameter> last_dense(const Model& model) {
  if (model.children().empty()) return {};
  const auto dense = std::dynamic_pointer_cast<Dense>(model.children().back().layer);
  std::vector<NamedParameter> own = dense ? dense->parameters() : std::vector<NamedParameter>();
  if (own.size() != 2) own.clear();
  return own;
}

}  // namespace

bool HeadStandardiser::fits(const Model& model) {
  return !last_dense(model).empty();
}

/// `config`'s decay for n samples: the loss is their mean, so a prior of variance v is a decay of 1 / (v n).
std::unique_ptr<HeadStandardiser> HeadStandardiser::make(const Model& model, ProgramCache& programs,
                                                         FeatureCache& features, Loader& train,
                                                         const HeadConfig& config) {
  if (!config.standardised) return nullptr;
  const std::vector<NamedParameter> own = last_dense(model);
  if (own.empty())
    throw Error(Fault::usage, "train", model.name() + " does not end in a dense layer with a bias");
  const double deviation = config.logit_deviation;
  if (!(deviation >= 0)) throw Error(Fault::usage, "train", fmt::format("logits of deviation {}", deviation));
  const auto inputs = static_cast<double>(own[0].parameter->shape()[0]);
  const auto samples = static_cast<double>(train.data().size());
  const double decay = deviation > 0 ? inputs / (deviation * deviation * samples) : 0;
  return std::make_unique<HeadStandardiser>(model, programs, features, train, *own[0].parameter,
                                            *own[1].parameter, decay);
}

void HeadStandardiser::before_step(StepMoment& now) {
  if (head_.ready()) return;
  measure(now);
  now.content = features_.content(FeatureCache::Part::train, static_cast<std::uint64_t>(now.time.epoch));
  now.reader_moved = true;
}

void HeadStandardiser::measure(const StepMoment& now) {
  constexpr Index kSamples = 1024;
  const auto epoch = static_cast<std::uint64_t>(now.time.epoch);
  const CutPoint cut = model_.cut_point_at(model_.children().size() - 1, train_.data().info().shape);
  const bool augmented = train_.options().augment.any();
  const bool kept = features_.active() && features_.cut().child == cut.child && !augmented;
  head_.forget();
  train_.start(epoch, 0, augmented ? Content::unchanged : now.content);
  while (head_.samples() < kSamples) {
    const Batch* batch = train_.next();
    if (batch == nullptr) break;
    if (kept) {
      head_.measure(features_.features(FeatureCache::Part::train, *batch).data(), batch->count);
    } else {
      Program& program =
          programs_.features(batch->count, batch->x.shape().tail(1), cut, nullptr, *now.freeze);
      feed_batch(program, model_, *batch);
      program.run();
      head_.measure(program.output_data("features"), batch->count);
    }
    if (now.hooks->stop && now.hooks->stop()) return head_.forget();
  }
  head_.measured();
}

}  // namespace firn
