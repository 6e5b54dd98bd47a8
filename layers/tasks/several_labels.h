// Several labels at once.
#pragma once

#include "layers/task.h"

namespace firn {

/// The mean binary cross-entropy of sigmoid(output) against 0 and 1, each label for itself. A label is
/// predicted where its probability is at least 1/2. Metrics (Tsoumakas and Katakis 2007, "Multi-label
/// classification"):
/// - "macro_f1": the mean over the labels that occur of 2 TP / (2 TP + FP + FN);
/// - "accuracy": the share of right answers over samples and labels, one minus the Hamming loss;
/// - "subset_accuracy": the share of samples of which every label is right.
class SeveralLabels : public Task {
 public:
  /// Throws Error(usage) without a label.
  explicit SeveralLabels(Index labels);

  std::string_view name() const override { return "labels"; }
  Index width() const override { return labels_; }
  Spec targets(const Shape& output) const override;
  std::string_view loss_name() const override { return "binary cross-entropy"; }
  Value loss(Graph& graph, Value output, Value targets, const LossOptions& options) const override;
  std::vector<TaskMetric> metrics() const override;
  std::unique_ptr<Score> score() const override;
  std::vector<double> metrics_of(const Evaluation& e, std::span<const Index> rows) const override;
  /// `most` labels by probability, and all that are chosen.
  std::vector<Predicted> predict(const real* row, Index most) const override;

 private:
  Index labels_;
};

}  // namespace firn
