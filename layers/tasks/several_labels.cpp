#include "layers/tasks/several_labels.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/error.h"
#include "engine/ops/loss.h"

namespace firn {

namespace {

double probability(real x) {
  return 1 / (1 + std::exp(-static_cast<double>(x)));
}

class LabelScore final : public Score {
 public:
  explicit LabelScore(const SeveralLabels& task) : task_(task) {}

  void add(const real* output, Index rows, const Tensor& targets) override {
    const real* wanted = targets.data();
    for (Index i = 0; i < rows * task_.width(); ++i) {
      const auto x = static_cast<double>(output[i]), t = static_cast<double>(wanted[i]);
      loss_ += std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::abs(x)));
      all_.answers.push_back(probability(output[i]));
      all_.truths.push_back(t);
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
  const SeveralLabels& task_;
  Evaluation all_;
  double loss_ = 0;
};

}  // namespace

SeveralLabels::SeveralLabels(Index labels) : labels_(labels) {
  if (labels < 1) throw Error(Fault::usage, "labels", fmt::format("{} labels", labels));
}

Spec SeveralLabels::targets(const Shape& output) const {
  require_width(output);
  Spec spec;
  spec.shape = output;
  return spec;
}

Value SeveralLabels::loss(Graph& graph, Value output, Value targets, const LossOptions& options) const {
  require_no_options(options);
  return binary_cross_entropy(graph, output, targets);
}

std::vector<TaskMetric> SeveralLabels::metrics() const {
  return {{.name = "macro_f1", .text = "macro F1", .brief = "F1", .share = true},
          {.name = "accuracy", .text = "accuracy a label", .brief = "acc.", .share = true},
          {.name = "subset_accuracy", .text = "all labels right", .brief = "all", .share = true}};
}

std::unique_ptr<Score> SeveralLabels::score() const {
  return std::make_unique<LabelScore>(*this);
}

std::vector<double> SeveralLabels::metrics_of(const Evaluation& e, std::span<const Index> rows) const {
  if (rows.empty()) return {0, 0, 0};
  struct Counts {
    Index both = 0, said = 0, truly = 0;
  };
  const auto width = static_cast<std::size_t>(labels_);
  std::vector<Counts> counts(width);
  Index right = 0, whole = 0;
  for (const Index row : rows) {
    Index own = 0;
    for (std::size_t c = 0; c < width; ++c) {
      const std::size_t at = static_cast<std::size_t>(row) * width + c;
      const bool said = e.answers[at] >= 0.5, truly = e.truths[at] != 0;
      own += said == truly ? 1 : 0;
      counts[c].both += said && truly ? 1 : 0;
      counts[c].said += said ? 1 : 0;
      counts[c].truly += truly ? 1 : 0;
    }
    right += own;
    whole += own == labels_ ? 1 : 0;
  }
  double f1 = 0;
  Index seen = 0;
  for (const Counts& c : counts) {
    if (c.truly == 0) continue;
    ++seen;
    f1 += 2 * static_cast<double>(c.both) / static_cast<double>(c.said + c.truly);
  }
  const auto n = static_cast<double>(rows.size());
  return {seen > 0 ? f1 / static_cast<double>(seen) : 0,
          static_cast<double>(right) / (n * static_cast<double>(width)), static_cast<double>(whole) / n};
}

std::vector<Predicted> SeveralLabels::predict(const real* row, Index most) const {
  std::vector<Index> order(static_cast<std::size_t>(labels_));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return row[a] > row[b]; });
  std::vector<Predicted> answers;
  for (const Index c : order) {
    const double p = probability(row[c]);
    if (static_cast<Index>(answers.size()) < most || p >= 0.5) answers.push_back({c, p, p >= 0.5});
  }
  return answers;
}

}  // namespace firn
