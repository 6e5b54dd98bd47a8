#include "tools/app/run/training.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/split.h"
#include "tools/app/run/networks.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

constexpr const char* kClassWeights = "--class-weights";

/// Behind those of above; not every verb has a loss of its own.
Settings class_weight_settings(TrainingChoice& choice) {
  return {
      {.key = "class_weights",
       .place = &choice.class_weights,
       .option = kClassWeights,
       .value = "balanced|W,W,...",
       .help =
           "weights of the classes in the training loss, which is divided by their sum: so that all classes "
           "count alike, or a number for each in the order of firn data"},
      {.key = "class_factors", .place = &choice.class_factors},
  };
}

}  // namespace

Settings training_settings(TrainingChoice& choice, bool finetune) {
  const Range positive = from_to(0, kMostNumber);
  return {
      {.key = "epochs",
       .place = &choice.epochs,
       .range = at_least(1),
       .option = "--epochs",
       .value = "E",
       .help = finetune ? "how often all samples are seen (20, a head alone at least until 400 steps)"
                        : fmt::format("how often all samples are seen ({})", choice.epochs)},
      {.key = "optimizer",
       .place = &choice.optimizer,
       .among = {"sgd", "adam", "adamw", "rmsprop"},
       .option = "--optimizer",
       .help = choice.optimizer.empty()
                   ? "adam for lstm, lstm2, rowlstm, textlstm, textcnn and charrnn, else sgd"
                   : fmt::format("what makes steps of gradients ({})", choice.optimizer),
       .none = ""},
      {.key = "rate",
       .place = &choice.rate,
       .range = positive,
       .option = "--rate",
       .value = "R",
       .help = "greatest learning rate (sgd 0.05, others 0.001)"},
      {.key = "momentum",
       .place = &choice.momentum,
       .range = from_below(0, 1),
       .option = "--momentum",
       .value = "M",
       .help = "of sgd (0.9) and rmsprop (0)"},
      {.key = "nesterov",
       .place = &choice.nesterov,
       .option = "--nesterov",
       .help = "sgd with Nesterov's momentum"},
      {.key = "betas",
       .place = &choice.betas,
       .range = from_below(0, 1),
       .option = "--betas",
       .value = "B,B",
       .help = "of adam and adamw: how long the mean of gradients and that of their squares last (0.9,0.999)",
       .only_given = true},
      {.key = "alpha",
       .place = &choice.alpha,
       .range = from_below(0, 1),
       .option = "--alpha",
       .value = "A",
       .help = "the same of rmsprop's squares (0.99)",
       .only_given = true},
      {.key = "epsilon",
       .place = &choice.epsilon,
       .range = positive,
       .option = "--epsilon",
       .value = "E",
       .help = "of adam, adamw and rmsprop: beside the root of the squares (1e-8)",
       .only_given = true},
      {.key = "decay",
       .place = &choice.decay,
       .range = positive,
       .option = "--decay",
       .value = "W",
       .help = finetune ? "weight decay (0; of a standardised head by the number of samples); of adamw the "
                          "decoupled one"
                        : "weight decay (0); of adamw the decoupled one"},
      {.key = "schedule",
       .place = &choice.schedule,
       .option = "--schedule",
       .value = "NAME",
       .help = "constant, cosine, one-cycle, step:EVERY:GAMMA (in steps), each also with ,warm-up:STEPS "
               "(cosine)"},
      {.key = "clip",
       .place = &choice.clip,
       .range = positive,
       .option = "--clip",
       .value = "NORM",
       .help = "all gradients together are cut to this 2-norm (0: not)"},
      {.key = "smoothing",
       .place = &choice.smoothing,
       .range = from_below(0, 1),
       .option = "--smoothing",
       .value = "S",
       .help = "label smoothing, below 1 (0)"},
      {.key = "augment",
       .place = &choice.augment,
       .option = "--augment",
       .value = "LIST",
       .help = finetune
                   ? "changes of training images: flip,shift:N,crop:N,resized:S,rotate:DEGREES,colour:B, or "
                     "none (flip for weights that were trained so); docs/data.md"
                   : "changes of training images: flip,shift:N,crop:N,resized:S,rotate:DEGREES,colour:B; "
                     "docs/data.md"},
      {.key = "block_rates",
       .place = &choice.block_rates,
       .range = positive,
       .option = "--block-rates",
       .value = "R,R,...",
       .help = "a factor on the rate for each block"},
      {.key = "patience",
       .place = &choice.patience,
       .range = at_least(0),
       .option = "--patience",
       .value = "N",
       .help = "end after N epochs without a better test accuracy (0: never)"},
  };
}

void declare_training(Arguments& arguments, TrainingChoice& choice, bool finetune) {
  arguments.group("How it is trained");
  declare(arguments, training_settings(choice, finetune));
}

void declare_class_weights(Arguments& arguments, TrainingChoice& choice) {
  declare(arguments, class_weight_settings(choice));
}

std::string resolve_class_weights(TrainingChoice& choice, const Dataset& train, TrainConfig& config) {
  if (choice.class_weights.empty()) return "";
  const std::vector<std::string>& classes = train.info().classes;
  if (train.info().label_each_step || train.info().targets != TargetKind::classes) {
    throw Error(Fault::usage, "train",
                fmt::format("--class-weights: the samples of {} have no class each", train.info().name));
  }
  choice.class_factors.clear();
  if (choice.class_weights == "balanced") {
    const auto all = static_cast<double>(train.size()), count = static_cast<double>(classes.size());
    for (const Index own : class_counts(train))
      choice.class_factors.push_back(own > 0 ? all / (count * static_cast<double>(own)) : 1);
  } else {
    for (const std::string& part : split(choice.class_weights, ','))
      choice.class_factors.push_back(number_in(part, above(0), {"train", kClassWeights}));
  }
  if (choice.class_factors.size() != classes.size()) {
    throw Error(Fault::usage, "train",
                fmt::format("--class-weights: {} weights for the {} classes of {}",
                            choice.class_factors.size(), classes.size(), train.info().name));
  }
  std::string text = fmt::format("the loss weighs the classes (--class-weights {}):", choice.class_weights);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    config.program.loss.class_weights.push_back(static_cast<real>(choice.class_factors[c]));
    constexpr std::size_t kShown = 20;
    if (c < kShown)
      text += fmt::format("{} {} {:.4g}", c > 0 ? "," : "", classes[c], choice.class_factors[c]);
    if (c == kShown) text += ", ...";
  }
  return text;
}

void resolve_training(TrainingChoice& choice, const Model& model, bool backbone) {
  if (choice.optimizer.empty()) {
    choice.optimizer = wants_adam(model) ? "adam" : "sgd";
  }
  const bool sgd = choice.optimizer == "sgd";
  if (!choice.rate) choice.rate = (sgd ? 0.05 : 1e-3) * (backbone ? 0.1 : 1);
  if (choice.momentum && !sgd && choice.optimizer != "rmsprop") {
    throw Error(Fault::usage, "train", fmt::format("{} has no --momentum", choice.optimizer));
  }
  if (choice.nesterov && !sgd) throw Error(Fault::usage, "train", "--nesterov goes with sgd");
  if (!choice.momentum && sgd) choice.momentum = 0.9;
  const bool adam = choice.optimizer.starts_with("adam");
  if (!choice.betas.empty() && !adam) {
    throw Error(Fault::usage, "train", fmt::format("{} has no --betas", choice.optimizer));
  }
  if (!choice.betas.empty() && choice.betas.size() != 2) {
    throw Error(Fault::usage, "train",
                fmt::format("--betas: {} numbers, two are wanted", choice.betas.size()));
  }
  if (choice.alpha && choice.optimizer != "rmsprop") {
    throw Error(Fault::usage, "train", fmt::format("{} has no --alpha", choice.optimizer));
  }
  if (choice.epsilon && sgd) throw Error(Fault::usage, "train", "sgd has no --epsilon");
}

std::unique_ptr<Optimizer> make_optimizer(const TrainingChoice& choice) {
  const double rate = choice.rate.value_or(0);
  const double momentum = choice.momentum.value_or(0);
  if (choice.optimizer == "sgd") {
    SgdConfig config;
    config.rate = rate;
    config.momentum = momentum;
    config.decay = choice.decay.value_or(0);
    config.nesterov = choice.nesterov;
    return make_sgd(config);
  }
  if (choice.optimizer == "rmsprop") {
    RmspropConfig config;
    config.rate = rate;
    config.momentum = momentum;
    config.decay = choice.decay.value_or(0);
    config.alpha = choice.alpha.value_or(config.alpha);
    config.epsilon = choice.epsilon.value_or(config.epsilon);
    return make_rmsprop(config);
  }
  AdamConfig config;
  config.rate = rate;
  config.decay = choice.decay.value_or(0);
  config.decoupled = choice.optimizer == "adamw";
  if (choice.betas.size() == 2) {
    config.beta1 = choice.betas[0];
    config.beta2 = choice.betas[1];
  }
  config.epsilon = choice.epsilon.value_or(config.epsilon);
  return make_adam(config);
}

Augment parse_augment(const std::string& text) {
  Augment augment;
  if (text.empty() || text == "none") return augment;
  const std::vector<std::string> known = {"flip",         "shift:N",        "crop:N",
                                          "resized:S",    "rotate:DEGREES", "colour:B",
                                          "brightness:B", "contrast:B",     "saturation:B"};
  for (const std::string& part : split(text, ',')) {
    const std::size_t colon = std::min(part.find(':'), part.size());
    const std::string name = part.substr(0, colon);
    const std::string value = colon < part.size() ? part.substr(colon + 1) : "";
    const auto strength = [&] { return number_in(value, from_to(0, 1), {"augment", name}); };
    if (part == "flip") {
      augment.flip = true;
    } else if (name == "shift") {
      augment.shift = whole_in(value, kPixels, {"augment", name});
    } else if (name == "crop") {
      augment.crop = whole_in(value, kPixels, {"augment", name});
    } else if (name == "resized") {
      augment.resized = number_in(value, above(0, 1), {"augment", name});
    } else if (name == "rotate") {
      augment.rotate = number_in(value, from_to(0, 180), {"augment", name});
    } else if (name == "colour") {
      augment.brightness = augment.contrast = augment.saturation = strength();
    } else if (name == "brightness") {
      augment.brightness = strength();
    } else if (name == "contrast") {
      augment.contrast = strength();
    } else if (name == "saturation") {
      augment.saturation = strength();
    } else {
      throw Error(
          Fault::usage, "augment",
          fmt::format("'{}' is none of {}{}", part, fmt::join(known, ", "), did_you_mean(part, known)));
    }
  }
  return augment;
}

TrainConfig make_config(const TrainingChoice& choice) {
  TrainConfig config;
  config.epochs = choice.epochs;
  config.schedule = parse_schedule(choice.schedule);
  config.clip_norm = choice.clip;
  config.patience = choice.patience;
  config.block_rates = choice.block_rates;
  config.program.loss.smoothing = static_cast<real>(choice.smoothing);
  return config;
}

JsonObject training_json(const TrainingChoice& choice) {
  TrainingChoice copy = choice;
  return to_json(training_settings(copy, false)).add_all(to_json(class_weight_settings(copy)));
}

}  // namespace firn::cli
