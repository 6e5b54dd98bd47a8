#include "optim/block_statistics.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/parallel.h"
#include "engine/kernels/kernels.h"
#include "optim/state.h"

namespace firn {

namespace {

constexpr Index kPiece = 16384;  // elements that one thread sums at a time

/// The sum over [0, count) of part(first, size), pieces in ascending order.
template <class F>
double sum_over(Index count, std::vector<double>& parts, const F& part) {
  const Index pieces = (count + kPiece - 1) / kPiece;
  parts.resize(std::max(parts.size(), static_cast<std::size_t>(pieces)));
  parallel_for(pieces, [&](Index i) {
    parts[static_cast<std::size_t>(i)] = part(i * kPiece, std::min(kPiece, count - i * kPiece));
  });
  double total = 0;
  for (Index i = 0; i < pieces; ++i) total += parts[static_cast<std::size_t>(i)];
  return total;
}

double sum_squares(Index count, const real* x, std::vector<double>& parts) {
  return sum_over(count, parts, [x](Index first, Index size) {
    return kernels().elementwise.sum_squares(size, x + first);
  });
}

/// Of what trains of x, a tensor of the shape `whole`.
double sum_squares(const TrainableRanges* trainable, const Shape& whole, const real* x,
                   std::vector<double>& parts) {
  if (trainable == nullptr) return sum_squares(whole.count(), x, parts);
  return sum_over(trainable->shape_in(whole).count(), parts, [=, &whole](Index first, Index size) {
    double total = 0;
    for_each_trainable(trainable, whole, first, size, [&](Index, Index place, Index count) {
      total += kernels().elementwise.sum_squares(count, x + place);
    });
    return total;
  });
}

double dot(const real* x, const real* y, Index count) {
  double total = 0;
  for (Index i = 0; i < count; ++i) total += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return total;
}

}  // namespace

std::vector<double> similarity(const Activations& a) {
  const auto rows = static_cast<std::size_t>(a.rows);
  std::vector<double> b(rows * rows);
  parallel_for(a.rows, [&](Index row) {
    const auto i = static_cast<std::size_t>(row);
    for (Index j = 0; j < a.rows; ++j) {
      b[i * rows + static_cast<std::size_t>(j)] =
          dot(a.data + row * a.features, a.data + j * a.features, a.features);
    }
    double squares = 0;
    for (std::size_t j = 0; j < rows; ++j) squares += b[i * rows + j] * b[i * rows + j];
    const double norm = std::sqrt(squares);
    for (std::size_t j = 0; j < rows && norm > 0; ++j) b[i * rows + j] /= norm;
  });
  return b;
}

double similarity_distance(std::span<const double> b, std::span<const double> reference, Index rows) {
  double total = 0;
  for (std::size_t i = 0; i < b.size(); ++i) total += (b[i] - reference[i]) * (b[i] - reference[i]);
  return total / static_cast<double>(rows * rows);
}

BlockStatisticsCollector::BlockStatisticsCollector(std::span<const PolicyBlock> blocks)
    : statistics_(blocks.size()), totals_(blocks.size()), counts_(blocks.size()) {
  for (std::size_t l = 0; l < blocks.size(); ++l) {
    for (Parameter* p : blocks[l].parameters) {
      if (p->role() == Role::statistic) continue;
      place_[p] = watched_.size();
      watched_.push_back({p, l});
    }
  }
}

bool BlockStatisticsCollector::counts_for(const Needs& needs, const Watched& watched) {
  return !needs.without_norms || watched.parameter->role() != Role::norm;
}

void BlockStatisticsCollector::before_update(const Needs& needs, std::span<const GradientView> gradients) {
  for (Watched& w : watched_) w.trains = false;
  for (BlockStatistics& s : statistics_) s.trains = false;
  std::fill(totals_.begin(), totals_.end(), 0);
  for (const GradientView& gradient : gradients) {
    const auto found = place_.find(gradient.parameter);
    if (found == place_.end()) continue;
    Watched& w = watched_[found->second];
    w.trains = statistics_[w.block].trains = true;
    const bool same = w.trainable ? gradient.trains != nullptr && *w.trainable == *gradient.trains
                                  : gradient.trains == nullptr;
    if (!same) {
      w.trainable =
          gradient.trains != nullptr ? std::optional<TrainableRanges>(*gradient.trains) : std::nullopt;
      w.sum = {};
    }
    if (needs.gradient_norms && counts_for(needs, w))
      totals_[w.block] += sum_squares(gradient.count, gradient.data, parts_);
    if (needs.add_gradients) {
      if (!w.sum.defined()) w.sum = Tensor(w.shape());
      real* sum = w.sum.data();
      const Index pieces = (gradient.count + kPiece - 1) / kPiece;
      parallel_for(pieces, [&](Index i) {
        const Index first = i * kPiece;
        kernels().elementwise.add(std::min(kPiece, gradient.count - first), sum + first,
                                  gradient.data + first, sum + first);
      });
    }
  }
  for (std::size_t l = 0; l < statistics_.size() && needs.gradient_norms; ++l) {
    statistics_[l].gradient_norm = std::sqrt(totals_[l]);
  }
  if (needs.weight_norms) {
    std::fill(totals_.begin(), totals_.end(), 0);
    for (const Watched& w : watched_) {
      if (!counts_for(needs, w)) continue;
      const Parameter& p = *w.parameter;
      totals_[w.block] += sum_squares(p.trainable_ranges(), p.shape(), p.value().data(), parts_);
    }
    for (std::size_t l = 0; l < statistics_.size(); ++l) statistics_[l].weight_norm = std::sqrt(totals_[l]);
  }
  if (needs.gradient_sums) {
    for (BlockStatistics& s : statistics_) s.gradient_sum = 0;
    for (Watched& w : watched_) {
      if (!w.sum.defined()) continue;
      const real* sum = w.sum.data();
      statistics_[w.block].gradient_sum += sum_over(w.sum.count(), parts_, [sum](Index first, Index size) {
        double total = 0;
        for (Index i = first; i < first + size; ++i) total += std::abs(static_cast<double>(sum[i]));
        return total;
      });
      w.sum.fill(0);
    }
  }
  for (Watched& w : watched_) {
    if (!needs.keep_weights) break;
    w.is_kept = w.trains;
    if (!w.trains) continue;
    if (!w.kept.defined()) w.kept = Tensor(w.parameter->shape());
    std::copy_n(w.parameter->value().data(), w.kept.count(), w.kept.data());
  }
}

void BlockStatisticsCollector::after_update(const Needs& needs) {
  if (!needs.weight_changes) return;
  std::fill(totals_.begin(), totals_.end(), 0);
  std::fill(counts_.begin(), counts_.end(), 0);
  for (const Watched& w : watched_) {
    if (!w.is_kept) continue;
    const real* before = w.kept.data();
    const real* now = w.parameter->value().data();
    const Shape& whole = w.kept.shape();
    const TrainableRanges* trainable = w.part();
    const Index elements = trainable != nullptr ? trainable->shape_in(whole).count() : whole.count();
    totals_[w.block] += sum_over(elements, parts_, [=, &whole](Index first, Index size) {
      double total = 0;
      for_each_trainable(trainable, whole, first, size, [&](Index, Index place, Index count) {
        for (Index i = place; i < place + count; ++i) {
          const auto old = static_cast<double>(before[i]);
          if (old != 0) total += std::abs((old - static_cast<double>(now[i])) / old);
        }
      });
      return total;
    });
    counts_[w.block] += sum_over(elements, parts_, [=, &whole](Index first, Index size) {
      Index moving = 0;
      for_each_trainable(trainable, whole, first, size, [&](Index, Index place, Index count) {
        moving += count - std::count(before + place, before + place + count, real(0));
      });
      return static_cast<double>(moving);
    });
  }
  for (std::size_t l = 0; l < statistics_.size(); ++l) {
    if (counts_[l] > 0) statistics_[l].change = totals_[l] / counts_[l];
  }
}

void BlockStatisticsCollector::compare(const Needs& needs, std::span<const Activations> outputs) {
  const bool first = reference_.empty();
  reference_.resize(outputs.size());
  for (std::size_t l = 0; l < outputs.size(); ++l) {
    std::vector<double> b = similarity(outputs[l]);
    if (needs.distances && !first) {
      statistics_[l].distance = similarity_distance(b, reference_[l], outputs[l].rows);
    }
    if (needs.reference || first) reference_[l] = std::move(b);
  }
}

void BlockStatisticsCollector::save(const StateWriter& to) const {
  for (std::size_t l = 0; l < statistics_.size(); ++l) {
    const BlockStatistics& s = statistics_[l];
    const double row[] = {s.trains ? 1.0 : 0.0, s.gradient_norm, s.weight_norm,
                          s.gradient_sum,       s.change,        s.distance};
    to.numbers(fmt::format("block{}", l), row);
    if (!reference_.empty()) to.numbers(fmt::format("reference{}", l), reference_[l]);
  }
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    if (watched_[i].trainable) to.ranges(fmt::format("live{}", i), watched_[i].trainable->ranges);
    if (watched_[i].sum.defined()) to.tensor(fmt::format("sum{}", i), watched_[i].sum.clone());
    if (watched_[i].is_kept) to.tensor(fmt::format("kept{}", i), watched_[i].kept.clone());
  }
}

void BlockStatisticsCollector::load(const StateReader& from, Index rows) {
  reference_.clear();
  for (std::size_t l = 0; l < statistics_.size(); ++l) {
    const std::vector<double> row = from.numbers(fmt::format("block{}", l), 6);
    statistics_[l] = {row[0] != 0, row[1], row[2], row[3], row[4], row[5]};
    const std::string name = fmt::format("reference{}", l);
    // All blocks have one or none has.
    if (from.has(name) || l < reference_.size()) {
      reference_.resize(statistics_.size());
      reference_[l] = from.numbers(name, static_cast<std::size_t>(rows * rows));
    }
  }
  if (!reference_.empty() && reference_.front().empty()) from.fail("reference0", "is missing");
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    Watched& w = watched_[i];
    const std::string sum = fmt::format("sum{}", i), kept = fmt::format("kept{}", i);
    const std::string trainable = fmt::format("live{}", i);
    w.trainable.reset();
    if (from.has(trainable)) {
      w.trainable = TrainableRanges{w.parameter->unit_axis(), from.ranges(trainable, w.parameter->units())};
      if (w.trainable->axis < 0 || w.trainable->ranges.empty())
        from.fail(trainable, "cannot be a part of it");
    }
    w.sum = from.has(sum) ? from.tensor(sum, w.shape()).clone() : Tensor();
    w.is_kept = from.has(kept);
    if (w.is_kept) w.kept = from.tensor(kept, w.parameter->shape()).clone();
  }
}

}  // namespace firn
