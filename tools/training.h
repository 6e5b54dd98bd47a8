// How a model is trained, as options say it, with defaults for each kind of model.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/transform.h"
#include "optim/optimizer.h"
#include "optim/trainer/trainer.h"
#include "tools/arguments.h"
#include "tools/json.h"

namespace firn::cli {

struct TrainingChoice {
  Index epochs = 5;            ///< 0: finetune's own
  std::string optimizer;       ///< empty: by the model
  std::optional<double> rate;  ///< none: by the optimizer
  std::optional<double> momentum;
  bool nesterov = false;
  std::optional<double> decay;  ///< none: 0, or the prior of a standardised head
  std::string schedule = "cosine";
  double clip = 0;
  double smoothing = 0;
  std::string augment;  ///< "flip,shift:2,crop:4", "none"
  std::vector<double> block_rates;
  Index patience = 0;
};

/// The defaults are those that `choice` holds; `finetune`: what is said of them is finetune's.
void declare_training(Arguments& arguments, TrainingChoice& choice, bool finetune = false);

/// Fills in what was left to the model: adam for recurrent and text models, sgd for the others; sgd 0.05 with
/// momentum 0.9, adam, adamw and rmsprop 1e-3; a tenth of these rates where a trained `backbone` trains on.
void resolve_training(TrainingChoice& choice, const std::string& model, bool backbone = false);

/// Of a resolved choice.
std::unique_ptr<Optimizer> make_optimizer(const TrainingChoice& choice);
/// Throws Error(usage) on anything but flip, shift:N and crop:N with commas, or none.
Augment parse_augment(const std::string& text);
/// Epochs, schedule, clipping, rates of the blocks, patience, smoothing.
TrainConfig make_config(const TrainingChoice& choice);
JsonObject training_json(const TrainingChoice& choice);

}  // namespace firn::cli
