// What freezing did to a network, in numbers that a page draws: `--pictures`.
#pragma once

#include <vector>

#include "data/loader.h"
#include "layers/model.h"
#include "layers/task.h"
#include "tools/app/cli/json.h"

namespace firn::cli {

/// Copies the weights that a run begins with, and holds later ones against them.
class FreezePictures {
 public:
  explicit FreezePictures(const Model& model);

  /// Of each block the 2-norm of what its weights moved from where they began, over the norm of these; NaN
  /// where that is 0. Running statistics are no weights.
  std::vector<double> moved() const;
  /// The same as a line of metrics.jsonl: {"kind":"movement","epoch":N,"step":S,"blocks":[...]}, S steps made
  /// over all epochs, null for NaN.
  JsonObject movement(Index epoch, Index step) const;
  /// The weights as they are now are those that the run keeps.
  void take_end();

  /// pictures.json, of at most 256 samples of `train` and as many of `held_out` in an order of its own, each
  /// with the weights of the beginning and of the end (the present ones without `take_end`):
  ///   "line": the loss on both at w = (1 - a) begin + a end, a from -0.25 to 1.25 (Goodfellow, Vinyals,
  ///     Saxe: Qualitatively characterizing neural network optimization problems, 2015), running statistics
  ///     no farther than the ends;
  ///   "probes" (one class a sample): of each block the share of `held_out` that a linear classifier on the
  ///     means of its output over places answers rightly (Alain, Bengio: Understanding intermediate layers
  ///     using linear classifier probes, 2016), and "planes": these means on their first two principal
  ///     components;
  ///   "filters" (images): the first layer's, before and after; "maps": one sample's output of each block.
  /// The model has its weights again when this returns or throws.
  /// Classifiers learn from `known`, where it is given, in the place of `train`.
  JsonObject json(const DatasetPtr& train, const DatasetPtr& held_out, const LoaderOptions& judging,
                  const TaskPtr& task, const DatasetPtr& known = nullptr) const;

  /// {"places":[...],"train":[...],"held_out":[...]}: the loss on such samples at w = (1 - a) own end + a end
  /// of `other`, a from -0.25 to 1.25. Both are of networks of one architecture (Frankle et al.: Linear mode
  /// connectivity and the lottery ticket hypothesis, 2020). The model has its weights again afterwards.
  JsonObject line_to(const FreezePictures& other, const DatasetPtr& train, const DatasetPtr& held_out,
                     const LoaderOptions& judging, const TaskPtr& task) const;

 private:
  struct Weights {
    std::vector<Tensor> values;
  };
  struct WeightsBack;
  Weights copy() const;
  void set(const Weights& weights) const;
  void set_between(const Weights& from, const Weights& to, double a) const;
  /// On samples that `json` has chosen.
  JsonObject line(const Weights& from, const Weights& to, const DatasetPtr& learned, const DatasetPtr& other,
                  const LoaderOptions& judging, const TaskPtr& task) const;

  const Model& model_;
  std::vector<NamedParameter> parameters_;
  Weights begin_, end_;
};

}  // namespace firn::cli
