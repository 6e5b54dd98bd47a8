// How a model is trained, as options say it, with defaults for each kind of model.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/transform.h"
#include "optim/optimizer.h"
#include "optim/trainer/trainer.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/json.h"
#include "tools/app/cli/setting.h"

namespace firn::cli {

struct TrainingChoice {
  Index epochs = 5;            ///< 0: finetune's own
  std::string optimizer;       ///< empty: by the model
  std::optional<double> rate;  ///< none: by the optimizer
  std::optional<double> momentum;
  bool nesterov = false;
  std::vector<double> betas;      ///< of adam and adamw, of the mean and of the squares; empty: usual
  std::optional<double> alpha;    ///< of rmsprop
  std::optional<double> epsilon;  ///< of all but sgd
  std::optional<double> decay;    ///< none: 0, or the prior of a standardised head
  std::string schedule = "cosine";
  double clip = 0;
  double smoothing = 0;
  std::string augment;  ///< "flip,shift:2,crop:4", "none"
  std::vector<double> block_rates;
  Index patience = 0;
  std::string class_weights;          ///< "balanced", or a number for each class
  std::vector<double> class_factors;  ///< what it comes to for the data
};

/// In the order in which config.json has them. Help says the defaults that `choice` holds. Runs from before
/// the newer settings lack their keys, so these are there where they are given alone.
Settings training_settings(TrainingChoice& choice, bool finetune = false);
/// The defaults are those that `choice` holds; `finetune`: what is said of them is finetune's.
void declare_training(Arguments& arguments, TrainingChoice& choice, bool finetune = false);

/// Fills in what was left to the model: adam for recurrent and text models, sgd for the others; sgd 0.05 with
/// momentum 0.9, adam, adamw and rmsprop 1e-3; a tenth of these rates where a trained `backbone` trains on.
void resolve_training(TrainingChoice& choice, const Model& model, bool backbone = false);

/// Of a resolved choice.
std::unique_ptr<Optimizer> make_optimizer(const TrainingChoice& choice);
/// Throws Error(usage) on anything but flip, shift:N and crop:N with commas, or none.
Augment parse_augment(const std::string& text);
/// --class-weights, which `declare_training` leaves out: not every verb has a loss of its own.
void declare_class_weights(Arguments& arguments, TrainingChoice& choice);
/// Fills in `class_factors` for the training part: of class c with n_c of n samples, of K classes in all,
/// balanced is n / (K n_c), so that the classes count alike. Sets those of `config`; the sentence that says
/// them, empty where nothing is weighted. Throws Error(usage) for another number of weights than of classes,
/// for a weight that is not positive, and for data without a class for each sample.
std::string resolve_class_weights(TrainingChoice& choice, const Dataset& train, TrainConfig& config);
/// Epochs, schedule, clipping, rates of the blocks, patience, smoothing.
TrainConfig make_config(const TrainingChoice& choice);
JsonObject training_json(const TrainingChoice& choice);

}  // namespace firn::cli
