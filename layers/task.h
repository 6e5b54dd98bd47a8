// What a model's answers are for: loss, targets, metrics, and what a prediction is.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/graph.h"

namespace firn {

/// How a loss weighs its samples; for classes alone (`CrossEntropyOptions`).
struct LossOptions {
  real smoothing = 0;
  std::vector<real> class_weights = {};
  bool any() const { return smoothing != 0 || !class_weights.empty(); }
};

/// A number that says how good answers are.
struct TaskMetric {
  std::string name;   ///< as records have it: "accuracy", "r2"
  std::string text;   ///< as people read it: "accuracy", "mean absolute error"
  std::string brief;  ///< above a column: "acc.", "MAE"
  bool higher_is_better = true;
  bool share = false;  ///< from 0 to 1
};

/// What a model's answers to a set of samples came to.
struct Evaluation {
  Index samples = 0;                 ///< answers judged: of samples, or of steps
  double loss = 0;                   ///< the task's own, their mean, without smoothing or weights
  std::vector<double> metrics = {};  ///< in the order of `Task::metrics`

  // Of tasks with one right class an answer.
  Index right = 0;
  std::vector<Index> confusion = {};  ///< (true class, predicted class), row-major; empty for next tokens
  Index classes = 0;
  /// Share of right answers.
  double accuracy() const {
    return samples > 0 ? static_cast<double>(right) / static_cast<double>(samples) : 0;
  }
  /// Mean over the classes that occur of the harmonic mean of precision and recall.
  double macro_f1() const;

  // Of tasks that answer with numbers or several labels: each answer and the truth, (samples, width), in the
  // units of the data; of labels their probabilities.
  std::vector<double> answers = {}, truths = {};

  /// The first metric.
  double score() const { return metrics.empty() ? 0 : metrics.front(); }
};

/// Judges answers in the order in which they come; sums are in double.
class Score {
 public:
  virtual ~Score() = default;
  /// `rows` answers of as many numbers as the task is wide, and the tensor of their targets.
  virtual void add(const real* output, Index rows, const Tensor& targets) = 0;
  /// Of all that was added.
  virtual Evaluation result() const = 0;
};

/// One place of an answer.
struct Predicted {
  Index place = 0;      ///< in the output's row: a class, a label, a number
  double value = 0;     ///< its probability, or the number in the units of the data
  bool chosen = false;  ///< whether it is part of what is predicted
};

/// A task has as many answers as a model has rows in its output, (N, width), or (N, T, width) where each step
/// is answered. Const: one task serves many programs.
class Task {
 public:
  virtual ~Task() = default;

  /// "classification"
  virtual std::string_view name() const = 0;
  /// Numbers in a row of the output that the model must have.
  virtual Index width() const = 0;
  /// An answer for each step, not one a sample.
  virtual bool each_step() const { return false; }

  /// What the loss is, in words: "cross-entropy".
  virtual std::string_view loss_name() const { return "loss"; }
  /// What is fed as "targets" for an output of this shape. Throws Error(usage) for an output of another
  /// width.
  virtual Spec targets(const Shape& output) const = 0;
  /// The loss of a training step, a scalar. Throws Error(usage) for options that the task does not know.
  virtual Value loss(Graph& graph, Value output, Value targets, const LossOptions& options) const = 0;

  /// At least one; the first is the headline.
  virtual std::vector<TaskMetric> metrics() const = 0;
  virtual std::unique_ptr<Score> score() const = 0;
  /// The metrics of these of the answers of an evaluation, of which some may recur; empty where the task does
  /// not keep answers.
  virtual std::vector<double> metrics_of(const Evaluation&, std::span<const Index>) const { return {}; }
  /// What the best epoch has the most of: the headline, where nothing else is said.
  virtual double merit(double loss, std::span<const double> metrics) const;

  /// What a row of the output predicts, the likeliest first; at most so many places where they are ranked.
  virtual std::vector<Predicted> predict(const real* row, Index most) const = 0;
  /// What `Predicted::value` is: "probability", "value".
  virtual std::string_view answer_name() const { return "probability"; }

 protected:
  /// Throws Error(usage) for an output of another width.
  void require_width(const Shape& output) const;
  /// Throws Error(usage) for options that are not the usual ones.
  void require_no_options(const LossOptions& options) const;
};

using TaskPtr = std::shared_ptr<const Task>;

}  // namespace firn
