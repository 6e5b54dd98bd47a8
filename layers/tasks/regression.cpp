#include "layers/tasks/regression.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/base/error.h"
#include "engine/ops/loss.h"

namespace firn {

namespace {

using InUnits = std::function<double(std::size_t column, real value)>;

class NumberScore final : public Score {
 public:
  NumberScore(const Regression& task, InUnits in_units) : task_(task), in_units_(std::move(in_units)) {}

  void add(const real* output, Index rows, const Tensor& targets) override {
    const auto width = static_cast<std::size_t>(task_.width());
    const real* wanted = targets.data();
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows) * width; ++i) {
      const double far = static_cast<double>(output[i]) - static_cast<double>(wanted[i]);
      loss_ += far * far;
      all_.answers.push_back(in_units_(i % width, output[i]));
      all_.truths.push_back(in_units_(i % width, wanted[i]));
    }
    all_.samples += rows;
  }

  Evaluation result() const override {
    Evaluation all = all_;
    const Index numbers = all.samples * task_.width();
    all.loss = numbers > 0 ? loss_ / static_cast<double>(numbers) : 0;
    std::vector<Index> rows(static_cast<std::size_t>(all.samples));
    std::iota(rows.begin(), rows.end(), Index{0});
    all.metrics = task_.metrics_of(all, rows);
    return all;
  }

 private:
  const Regression& task_;
  const InUnits in_units_;
  Evaluation all_;
  double loss_ = 0;
};

}  // namespace

Regression::Regression(Index width, std::vector<double> mean, std::vector<double> deviation)
    : width_(width), mean_(std::move(mean)), deviation_(std::move(deviation)) {
  if (width < 1) throw Error(Fault::usage, "regression", fmt::format("{} targets", width));
  const auto count = static_cast<std::size_t>(width);
  if (mean_.empty()) mean_.assign(count, 0);
  if (deviation_.empty()) deviation_.assign(count, 1);
  if (mean_.size() != count || deviation_.size() != count) {
    throw Error(
        Fault::usage, "regression",
        fmt::format("{} means and {} deviations for {} targets", mean_.size(), deviation_.size(), width));
  }
  for (const double d : deviation_) {
    if (!(d > 0)) throw Error(Fault::usage, "regression", fmt::format("a target's deviation is {}", d));
  }
}

double Regression::in_units(std::size_t column, real value) const {
  return static_cast<double>(value) * deviation_[column] + mean_[column];
}

Spec Regression::targets(const Shape& output) const {
  require_width(output);
  Spec spec;
  spec.shape = output;
  return spec;
}

Value Regression::loss(Graph& graph, Value output, Value targets, const LossOptions& options) const {
  require_no_options(options);
  return mean_squared_error(graph, output, targets);
}

std::vector<TaskMetric> Regression::metrics() const {
  return {{.name = "r2", .text = "R²", .brief = "R²"},
          {.name = "mae", .text = "mean absolute error", .brief = "MAE", .higher_is_better = false},
          {.name = "rmse", .text = "root mean squared error", .brief = "RMSE", .higher_is_better = false}};
}

std::unique_ptr<Score> Regression::score() const {
  return std::make_unique<NumberScore>(
      *this, [this](std::size_t column, real value) { return in_units(column, value); });
}

std::vector<double> Regression::metrics_of(const Evaluation& e, std::span<const Index> rows) const {
  if (rows.empty()) return {0, 0, 0};
  const auto width = static_cast<std::size_t>(width_);
  const auto n = static_cast<double>(rows.size());
  double r2 = 0, absolute = 0, squares = 0;
  for (std::size_t c = 0; c < width; ++c) {
    const auto truth = [&](Index row) { return e.truths[static_cast<std::size_t>(row) * width + c]; };
    double mean = 0, about_answer = 0, about_mean = 0;
    for (const Index row : rows) mean += truth(row);
    mean /= n;
    for (const Index row : rows) {
      const double far = e.answers[static_cast<std::size_t>(row) * width + c] - truth(row);
      absolute += std::abs(far);
      about_answer += far * far;
      about_mean += (truth(row) - mean) * (truth(row) - mean);
    }
    squares += about_answer;
    r2 += about_mean > 0 ? 1 - about_answer / about_mean : about_answer > 0 ? 0 : 1;
  }
  const double all = n * static_cast<double>(width);
  return {r2 / static_cast<double>(width), absolute / all, std::sqrt(squares / all)};
}

double Regression::merit(double loss, std::span<const double>) const {
  return -loss;
}

std::vector<Predicted> Regression::predict(const real* row, Index) const {
  std::vector<Predicted> numbers;
  for (Index c = 0; c < width_; ++c)
    numbers.push_back({c, in_units(static_cast<std::size_t>(c), row[c]), true});
  return numbers;
}

}  // namespace firn
