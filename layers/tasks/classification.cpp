#include "layers/tasks/classification.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/error.h"
#include "engine/ops/loss.h"

namespace firn {

namespace {

/// log(sum(exp(x))) without overflow.
double log_sum_exp(const real* x, Index count) {
  const real top = *std::max_element(x, x + count);
  double total = 0;
  for (Index i = 0; i < count; ++i) total += std::exp(static_cast<double>(x[i] - top));
  return static_cast<double>(top) + std::log(total);
}

class ClassScore final : public Score {
 public:
  ClassScore(Index classes, bool confusion) : classes_(classes) {
    result_.classes = classes;
    const auto count = static_cast<std::size_t>(classes);
    if (confusion) result_.confusion.assign(count * count, 0);
  }

  void add(const real* output, Index rows, const Tensor& targets) override {
    const std::int32_t* labels = targets.indices();
    for (Index row = 0; row < rows; ++row) {
      if (labels[row] < 0) continue;
      const real* x = output + row * classes_;
      const Index said = std::max_element(x, x + classes_) - x;
      ++result_.samples;
      result_.right += said == labels[row] ? 1 : 0;
      loss_ += log_sum_exp(x, classes_) - static_cast<double>(x[labels[row]]);
      if (!result_.confusion.empty())
        ++result_.confusion[static_cast<std::size_t>(labels[row] * classes_ + said)];
    }
  }

  Evaluation result() const override {
    Evaluation all = result_;
    all.loss = all.samples > 0 ? loss_ / static_cast<double>(all.samples) : 0;
    all.metrics = {all.accuracy()};
    return all;
  }

 private:
  const Index classes_;
  Evaluation result_;
  double loss_ = 0;
};

}  // namespace

Classification::Classification(Index classes) : classes_(classes) {
  if (classes < 1) throw Error(Fault::usage, "classification", fmt::format("{} classes", classes));
}

Spec Classification::targets(const Shape& output) const {
  require_width(output);
  Spec spec;
  spec.shape = Shape(output.sizes().first(output.sizes().size() - 1));
  spec.type = DType::int32;
  return spec;
}

Value Classification::loss(Graph& graph, Value output, Value targets, const LossOptions& options) const {
  return softmax_cross_entropy(graph, output, targets,
                               {.smoothing = options.smoothing, .class_weights = options.class_weights});
}

std::vector<TaskMetric> Classification::metrics() const {
  return {{.name = "accuracy", .text = "accuracy", .brief = "acc.", .share = true}};
}

std::unique_ptr<Score> Classification::score() const {
  return std::make_unique<ClassScore>(classes_, true);
}

std::vector<Predicted> Classification::predict(const real* row, Index most) const {
  std::vector<Index> order(static_cast<std::size_t>(classes_));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return row[a] > row[b]; });
  const real greatest = row[order.front()];
  double total = 0;
  for (Index c = 0; c < classes_; ++c) total += std::exp(static_cast<double>(row[c] - greatest));
  std::vector<Predicted> top;
  for (const Index c : order) {
    if (static_cast<Index>(top.size()) == most) break;
    top.push_back({c, std::exp(static_cast<double>(row[c] - greatest)) / total, top.empty()});
  }
  return top;
}

Value NextToken::loss(Graph& graph, Value output, Value targets, const LossOptions& options) const {
  return softmax_cross_entropy(
      graph, output, targets,
      {.smoothing = options.smoothing, .class_weights = options.class_weights, .ignore_negative = padded_});
}

std::unique_ptr<Score> NextToken::score() const {
  return std::make_unique<ClassScore>(width(), false);
}

}  // namespace firn
