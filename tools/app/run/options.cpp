#include "tools/app/run/options.h"

#include <fmt/core.h>

#include <charconv>
#include <string_view>

#include "data/source.h"
#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/kernels/bf16_rate.h"
#include "layers/model.h"
#include "tools/app/run/data_settings.h"

namespace firn::cli {

namespace {

template <class List, class F>
std::string joined(const List& list, F name) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + std::string(name(item));
  return out;
}

}  // namespace

void declare_model(Arguments& arguments, ModelChoice& choice) {
  arguments.group("The model");
  arguments.option(
      "--model", choice.name, "MODEL",
      "a network's text ('conv 32 3x3, relu, pool 2, dense'), a file that holds one, or a name: " +
          joined(model_registry(), [](const ModelEntry& m) { return m.name; }));
  arguments.option("--weights", choice.weights, "FILE",
                   "safetensors with PyTorch's names; firn's own also say which "
                   "model and preparation of the data they go with; or a run's folder or checkpoint");
  arguments.option("--base", choice.base, "FILE",
                   "the weights that a checkpoint builds on (base.safetensors beside it)");
  arguments.option("--from", choice.from, "NODE",
                   "of a .pt2 or .onnx: the network begins with what this node or module reads");
  arguments.option("--to", choice.to, "NODE", "and ends with what this one gives");
}

void declare_head_init(Arguments& arguments, ModelChoice& choice) {
  arguments.choice("--head-init", choice.head_init, {"zero", "random"},
                   "what a new head begins with; one that is frozen teaches nothing from zero (zero)");
}

void declare_data(Arguments& arguments, DataChoice& choice) {
  arguments.group("The data");
  arguments.option("--data", choice.spec, "SPEC", joined(data_sources(), [](const DataSource& s) {
                                                    return std::string(s.name) +
                                                           (s.recognises != nullptr ? ":PATH" : "");
                                                  }) + ", or a path; see firn data");
  arguments.option(
      "--split-seed", choice.split_seed, "S",
      "of the test and validation parts that are drawn where the data holds none; --seed leaves them (0)");
  arguments.option(
      "--validation", choice.validation, "SPEC",
      "other data to choose by, its classes matched by name; none: no part is held out, the last "
      "epoch's weights are kept (the data's own, or a fifth of each class of its training part)");
  arguments.option("--group", choice.group, "RULE",
                   "samples that stay in one part: 'name:*_' (file names that begin alike, up to the last _; "
                   "any pattern), column:NAME (of a table), none (bursts, where names leave little doubt)");
  declare_reading(arguments, choice.options);
}

Settings freeze_settings(FreezeChoice& choice) {
  return {
      {.key = "freeze",
       .place = &choice.freeze,
       .option = "--freeze",
       .value = "WHAT",
       .help =
           "none, half, head (all but it), all; 3 (the first three blocks); 0,2,5 (these); names as in "
           "'conv*' or layer1.0; role:weight, role:bias, role:norm; parts as in 'conv3.weight[0:16+32:48]' "
           "(output channels, rows of an embedding), 'lstm.*[i+f]' (gates)",
       .none = "none"},
      {.key = "freeze_until",
       .place = &choice.until,
       .option = "--freeze-until",
       .value = "BLOCK",
       .help = "the blocks before this one"},
      {.key = "thaw",
       .place = &choice.thaw,
       .option = "--thaw",
       .value = "EPOCH:WHAT",
       .help = "before this epoch these train again: all, a block's name or number, names, roles"},
      {.key = "bn",
       .place = &choice.bn,
       .among = kNormRules,
       .option = "--bn",
       .help = "frozen batch norms use their running statistics (frozen), or the batch's"},
      {.key = "dropout_in_frozen",
       .place = &choice.dropout,
       .among = kDropoutRules,
       .option = "--dropout-in-frozen",
       .help = "whether dropout acts below the lowest layer that trains (off)"},
      {.key = "precision",
       .place = &choice.all_precision,
       .among = kPrecisions,
       .option = "--precision",
       .help = "of products, and of the activations and gradients that they hand to each other, in all "
               "layers; weights, optimizer, loss and sums are fp32 (fp32)"},
      frozen_precision_setting(choice.precision),
  };
}

Setting frozen_precision_setting(std::string& precision) {
  return {.key = "frozen_precision",
          .place = &precision,
          .among = kPrecisions,
          .option = "--frozen-precision",
          .help = "of convolutions and dense layers below the lowest layer that trains (fp32)"};
}

void declare_freeze(Arguments& arguments, FreezeChoice& choice, bool in_training) {
  arguments.group("What is frozen");
  Settings settings = freeze_settings(choice);
  if (!in_training)
    std::erase_if(settings, [](const Setting& setting) { return setting.key == std::string_view("thaw"); });
  declare(arguments, settings);
}

void declare_precision(Arguments& arguments, std::string& precision) {
  declare(arguments, {frozen_precision_setting(precision)});
}

DType frozen_precision(const std::string& precision, bool exact, const std::string& option) {
  if (precision != "bf16") return DType::number;
  if (exact) throw Error(Fault::usage, "precision", option + " bf16 and --exact exclude each other");
  return DType::bf16;
}

std::string precision_text(const std::string& precision, bool all) {
  if (precision != "bf16") return "";
  if (all) return "convolutions and dense layers are computed in bf16 (--precision bf16): " + bf16_reason();
  return "frozen convolutions and dense layers are computed in bf16 (--frozen-precision bf16): " +
         bf16_reason();
}

Settings run_settings(RunChoice& choice) {
  return {
      {.key = "seed",
       .place = &choice.seed,
       .option = "--seed",
       .value = "S",
       .help = "of everything random (1)"},
      {.key = "",
       .place = &choice.threads,
       .range = kThreads,
       .option = "--threads",
       .value = "T",
       .help = "threads; the results do not depend on it (one a core)"},
      {.key = "batch",
       .place = &choice.batch,
       .range = kBatch,
       .option = "--batch",
       .value = "B",
       .help = "samples of a step (64)"},
      exact_setting(choice.exact),
  };
}

Setting exact_setting(bool& exact) {
  return {.key = "exact",
          .place = &exact,
          .option = "--exact",
          .help = "compute every convolution directly, never by Winograd's algorithm"};
}

void declare_run(Arguments& arguments, RunChoice& choice) {
  arguments.group("The run");
  declare(arguments, run_settings(choice));
}

void declare_exact(Arguments& arguments, bool& exact) {
  declare(arguments, {exact_setting(exact)});
}

void declare_calibrate(Arguments& arguments, bool& calibrate) {
  arguments.flag("--calibrate", calibrate,
                 "measure this machine's kernels anew for the forecast, whatever the cache knows");
}

std::string exact_text(bool exact) {
  return exact
             ? "every convolution is computed directly (--exact)"
             : "3x3 convolutions are computed by Winograd's algorithm where that is faster (--exact: never)";
}

void declare_sample(Arguments& arguments, InputChoice& choice) {
  arguments.list("--input", choice.sample, "H,W,C", at_least(1), "sizes that an ONNX model leaves open");
}

void declare_input(Arguments& arguments, InputChoice& choice) {
  arguments.list("--input", choice.sample, "H,W,C", at_least(1), "without data: the shape of a sample");
  arguments.option("--classes", choice.classes, "N", at_least(1), "without data: the number of classes");
}

void use_threads(const RunChoice& choice) {
  if (choice.threads > 0) set_thread_count(static_cast<int>(choice.threads));
}

Index whole_number(const std::string& text, const std::string& what) {
  Index value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw Error(Fault::usage, what, fmt::format("'{}' is no whole number", text));
  }
  return value;
}

}  // namespace firn::cli
