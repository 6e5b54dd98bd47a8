#include "tools/app/run/finetuning.h"

#include "optim/trainer/head_standardiser.h"

#include <fmt/core.h>

#include <algorithm>

#include "tools/app/run/freezing.h"

namespace firn::cli {

namespace {

// A new head alone: at least so many epochs and steps, of which few samples give few an epoch.
constexpr Index kEpochs = 20;
constexpr Index kHeadSteps = 400;
// Its logits' deviation before anything is known: one deviation off is a class with p = 0.88 of two.
constexpr double kLogitDeviation = 2;

}  // namespace

bool backbone_trains(const Model& model) {
  for (int block = 0; block + 1 < static_cast<int>(model.blocks().size()); ++block) {
    if (parameter_count(model.block_parameters(block), true) > 0) return true;
  }
  return false;
}

bool resolve_finetune(const FinetuneChoice& choice, const Session& session, TrainingChoice& training,
                      TrainConfig& config) {
  const Index batches = (session.data.train->size() + choice.batch - 1) / choice.batch;
  if (training.epochs == 0) {
    const Index enough = choice.head_alone ? (kHeadSteps + batches - 1) / batches : 0;
    config.epochs = training.epochs = std::max(kEpochs, enough);
  }
  if (training.augment.empty() && session.recipe.mirrored) training.augment = "flip";
  config.head.standardised = choice.standardised && choice.replace_head && !session.model->each_step() &&
                             HeadStandardiser::fits(*session.model);
  // The prior is one of logits of classes.
  if (config.head.standardised && !training.decay && session.recipe.task == "classification")
    config.head.logit_deviation = kLogitDeviation;
  return config.head.standardised;
}

std::string standardised_text(const TrainConfig& config) {
  return fmt::format(
      "the new head is trained as if its features had mean 0 and deviation 1{} (--head-features raw: not)",
      config.head.logit_deviation > 0
          ? fmt::format(", its logits a prior deviation of {}", config.head.logit_deviation)
          : "");
}

}  // namespace firn::cli
