#include "data/split.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "data/subset.h"
#include "engine/base/rng.h"

namespace firn {

namespace {

/// Positions in a set, in ascending order.
using Positions = std::vector<Index>;

std::vector<Index> count_classes(const Dataset& data, const Positions& from) {
  std::vector<Index> counts(data.info().classes.size());
  for (const Index i : from) ++counts[static_cast<std::size_t>(data.label(i))];
  return counts;
}

/// Takes `wanted` samples of each class out of `from` at random.
Positions draw(const Dataset& data, Positions& from, std::vector<Index> wanted, Random random) {
  Positions order = from;
  shuffle(order.data(), static_cast<Index>(order.size()), random);
  Positions taken;
  for (const Index i : order) {
    Index& missing = wanted[static_cast<std::size_t>(data.label(i))];
    if (missing == 0) continue;
    --missing;
    taken.push_back(i);
  }
  std::sort(taken.begin(), taken.end());
  Positions rest;
  std::set_difference(from.begin(), from.end(), taken.begin(), taken.end(), std::back_inserter(rest));
  from = std::move(rest);
  return taken;
}

/// The last of `from`.
Positions cut_end(Positions& from, Index count) {
  const auto at = from.end() - static_cast<std::ptrdiff_t>(count);
  Positions end(at, from.end());
  from.erase(at, from.end());
  return end;
}

class Completing {
 public:
  Completing(DataParts& parts, const SplitOptions& options)
      : parts_(parts),
        options_(options),
        data_(parts.train),
        train_(static_cast<std::size_t>(data_->size())) {
    std::iota(train_.begin(), train_.end(), Index{0});
  }

  void draw_test();
  void keep_labels();
  void draw_validation();
  /// The parts become views of what was drawn.
  void finish() {
    if (static_cast<Index>(train_.size()) < data_->size()) parts_.train = subset(data_, std::move(train_));
  }

 private:
  bool contiguous() const { return data_->info().label_each_step; }
  Index tenth() const { return std::max<Index>(1, data_->size() / 10); }
  void note(std::string text) { parts_.notes.push_back(std::move(text)); }

  DataParts& parts_;
  const SplitOptions& options_;
  const DatasetPtr data_;
  Positions train_;
};

void Completing::draw_test() {
  Positions test;
  if (contiguous()) {
    test = cut_end(train_, std::min(tenth(), data_->size() - 1));
    note("test: the last tenth of the text");
  } else {
    std::vector<Index> wanted = count_classes(*data_, train_);
    for (Index& n : wanted) n = n < 2 ? 0 : std::max<Index>(1, (n + kHeldOutOf / 2) / kHeldOutOf);
    test = draw(*data_, train_, std::move(wanted), Random(options_.seed, "split test"));
    if (test.empty()) return note("test: none, as no class has two samples");
    note(fmt::format("test: {} of {} samples, a fifth of each class (split seed {})", test.size(),
                     data_->size(), options_.seed));
  }
  parts_.test = subset(data_, std::move(test));
}

void Completing::keep_labels() {
  if (options_.labels > 0) train_ = pick_per_class(*data_, train_, options_.labels, options_.label_seed);
}

void Completing::draw_validation() {
  const auto before = static_cast<Index>(train_.size());
  if (contiguous()) {
    const Index count = std::min({tenth(), before - 1, kMostValidation});
    if (count < 1) return;
    parts_.validation = subset(data_, cut_end(train_, count));
    note(count == tenth() ? "validation: the tenth of the text before its test part"
                          : "validation: the end of the training part");
    return;
  }
  std::vector<Index> wanted = count_classes(*data_, train_);
  const auto classes =
      std::max<Index>(1, std::count_if(wanted.begin(), wanted.end(), [](Index n) { return n > 0; }));
  const double share =
      std::min(1.0 / static_cast<double>(kHeldOutOf),
               static_cast<double>(kMostValidation) / static_cast<double>(std::max<Index>(1, before)));
  for (Index& n : wanted) {
    const auto part = static_cast<Index>(static_cast<double>(n) * share);
    n = n < kHeldOutOf ? 0 : std::max<Index>(1, part);
  }
  Positions held = draw(*data_, train_, std::move(wanted), Random(options_.seed, "split validation"));
  const Index each = before / classes;
  if (held.empty()) {
    note(
        fmt::format("validation: none, as no class has {} training samples to spare one: nothing is chosen, "
                    "the last epoch's weights are kept",
                    kHeldOutOf));
    return;
  }
  note(fmt::format("validation: {} of {} training samples, {} (split seed {}){}", held.size(), before,
                   share < 1.0 / static_cast<double>(kHeldOutOf) ? "the same share of each class"
                                                                 : "a fifth of each class",
                   options_.seed,
                   each < kFewLabels
                       ? fmt::format("; about {} a class are few: a larger part would cost more "
                                     "than its choice of an epoch is worth",
                                     each)
                       : ""));
  parts_.validation = subset(data_, std::move(held));
}

}  // namespace

DataParts complete_parts(DataParts parts, const SplitOptions& options) {
  for (const DatasetPtr& part : {parts.train, parts.validation, parts.test}) {
    if (part) parts.all = parts.all ? concatenated(parts.all, part) : part;
  }
  if (!parts.test && parts.validation) {
    parts.test = std::move(parts.validation);
    parts.validation = nullptr;
    parts.notes.emplace_back("test: the validation part of the files, as they hold no test part");
  }
  if (!options.validation) parts.validation = nullptr;
  if (!parts.train) return parts;
  Completing completing(parts, options);
  if (!parts.test) completing.draw_test();
  completing.keep_labels();
  if (!parts.validation && options.validation) completing.draw_validation();
  completing.finish();
  return parts;
}

}  // namespace firn
