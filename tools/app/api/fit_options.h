#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "optim/policy.h"

namespace firn {

/// How `Learner::fit` trains. What is empty is as `firn train` has it (`firn train --help`).
struct FitOptions {
  Index epochs = 5;
  Index batch = 64;
  std::uint64_t seed = 1;           ///< of the order of samples, augmentation and dropout
  std::string optimizer = {};       ///< "sgd", "adam", "adamw", "rmsprop"; empty: by the model
  std::optional<double> rate = {};  ///< none: by the optimizer
  std::optional<double> momentum = {};
  bool nesterov = false;
  std::vector<double> betas = {};      ///< two, of adam and adamw
  std::optional<double> alpha = {};    ///< of rmsprop
  std::optional<double> epsilon = {};  ///< of all but sgd
  std::optional<double> decay = {};
  std::string schedule = "cosine";  ///< as `parse_schedule` takes it
  double clip = 0;                  ///< gradients together are cut to this 2-norm; 0: not
  double smoothing = 0;             ///< of labels
  std::string augment = {};         ///< "flip,shift:2,crop:4"
  std::vector<double> block_rates = {};
  Index patience = 0;                  ///< epochs without a better validation score; 0: never early
  std::string class_weights = {};      ///< "balanced", or numbers with commas
  std::vector<std::string> thaw = {};  ///< "EPOCH:PATTERN"
  std::string policy = {};             ///< as `parse_policy` takes it
  PolicyPtr own_policy = nullptr;      ///< in its place
  std::string frozen_state = "drop";
  Index thaw_warm_up = 0;
  std::string frozen_norm = "frozen";     ///< or "batch": what frozen batch norms use
  std::string frozen_dropout = "off";     ///< or "on"
  std::string precision = "fp32";         ///< or "bf16": of products, activations and their gradients
  std::string frozen_precision = "fp32";  ///< or "bf16"
  std::string cache = "auto";  ///< of features of the frozen part: "auto", "on", "off", "ram", "disk"
  bool exact = false;          ///< direct convolutions only
  bool restore_best = false;   ///< leave the best epoch's weights in the model, not the last ones
};

}  // namespace firn
