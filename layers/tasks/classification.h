// One of several classes.
#pragma once

#include "layers/task.h"

namespace firn {

/// Softmax cross-entropy against indices of classes. TaskMetric: the share of right answers ("accuracy"),
/// where the answer is the class of the greatest logit.
class Classification : public Task {
 public:
  /// Throws Error(usage) without a class.
  explicit Classification(Index classes);

  std::string_view name() const override { return "classification"; }
  Index width() const override { return classes_; }
  Spec targets(const Shape& output) const override;
  std::string_view loss_name() const override { return "cross-entropy"; }
  Value loss(Graph& graph, Value output, Value targets, const LossOptions& options) const override;
  std::vector<TaskMetric> metrics() const override;
  std::unique_ptr<Score> score() const override;
  /// `most` classes by probability (softmax); the first is chosen.
  std::vector<Predicted> predict(const real* row, Index most) const override;

 private:
  Index classes_;
};

/// The token that follows each step: a class of the vocabulary. The loss over the logarithm of 2 is bits a
/// token, its exponential the perplexity.
class NextToken : public Classification {
 public:
  /// `padded`: steps with a negative target count for nothing.
  explicit NextToken(Index vocabulary, bool padded = false) : Classification(vocabulary), padded_(padded) {}

  std::string_view name() const override { return "next-token"; }
  bool each_step() const override { return true; }
  std::string_view loss_name() const override { return "cross-entropy"; }
  Value loss(Graph& graph, Value output, Value targets, const LossOptions& options) const override;
  std::unique_ptr<Score> score() const override;

 private:
  bool padded_;
};

}  // namespace firn
