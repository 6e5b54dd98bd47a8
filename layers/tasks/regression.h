// Numbers.
#pragma once

#include "layers/task.h"

namespace firn {

/// The mean squared error of numbers y = (target - mean) / deviation, which is what targets are fed as and
/// what the model learns; answers and metrics are in the units of the targets. Metrics, with SSE_c and SST_c
/// the sums of squares of column c about the answers and about the mean of the truth:
/// - "r2": the mean over columns of 1 - SSE_c / SST_c; of a column that never changes 1 where SSE_c is 0,
/// else 0
///   (as scikit-learn's r2_score);
/// - "mae": the mean of |answer - truth| over samples and columns;
/// - "rmse": the root of the mean of its square.
/// The best epoch is that of the lowest loss.
class Regression : public Task {
 public:
  /// `mean` and `deviation` have a number for each of `width` targets, or none: then targets are as they are.
  /// Throws Error(usage) where they do not, and for a deviation that is not positive.
  explicit Regression(Index width, std::vector<double> mean = {}, std::vector<double> deviation = {});

  std::string_view name() const override { return "regression"; }
  Index width() const override { return width_; }
  Spec targets(const Shape& output) const override;
  std::string_view loss_name() const override { return "squared error of standardised targets"; }
  Value loss(Graph& graph, Value output, Value targets, const LossOptions& options) const override;
  std::vector<TaskMetric> metrics() const override;
  std::unique_ptr<Score> score() const override;
  std::vector<double> metrics_of(const Evaluation& e, std::span<const Index> rows) const override;
  double merit(double loss, std::span<const double> metrics) const override;
  /// All numbers, in their order.
  std::vector<Predicted> predict(const real* row, Index most) const override;
  std::string_view answer_name() const override { return "value"; }

 private:
  double in_units(std::size_t column, real value) const;

  Index width_;
  std::vector<double> mean_, deviation_;
};

}  // namespace firn
