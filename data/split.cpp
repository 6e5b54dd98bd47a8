#include "data/split.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "data/groups.h"
#include "data/subset.h"
#include "engine/base/error.h"
#include "engine/base/rng.h"

namespace firn {

namespace {

constexpr Index kFewHeldOutOf = 10;

/// Positions in a set, in ascending order.
using Positions = std::vector<Index>;

std::vector<Index> count_classes(const Dataset& data, const Positions& from) {
  std::vector<Index> counts(data.info().classes.size());
  for (const Index i : from) ++counts[static_cast<std::size_t>(data.label(i))];
  return counts;
}

/// Samples that are drawn together.
using Unit = std::span<const Index>;

/// `positions` by group, which are put side by side for that; without groups one by one.
std::vector<Unit> units_of(Positions& positions, const std::vector<Index>& groups) {
  const auto group = [&](Index i) { return groups.empty() ? i : groups[static_cast<std::size_t>(i)]; };
  std::stable_sort(positions.begin(), positions.end(), [&](Index a, Index b) { return group(a) < group(b); });
  std::vector<Unit> units;
  for (std::size_t begin = 0, end = 0; begin < positions.size(); begin = end) {
    while (end < positions.size() && group(positions[end]) == group(positions[begin])) ++end;
    units.emplace_back(positions.data() + begin, end - begin);
  }
  return units;
}

/// What is held out of each class, as units go over.
class Holding {
 public:
  Holding(const Dataset& data, const Positions& from, std::vector<Index> wanted)
      : data_(data), wanted_(std::move(wanted)), left_(count_classes(data, from)), held_(left_.size()) {}

  /// Takes `unit` where that brings the classes nearer to what is wanted and leaves none empty.
  bool take(Unit unit) {
    Index nearer = 0;
    bool first = false, last = false;
    for (const Index i : unit) {
      const std::size_t c = class_of(i);
      nearer += wanted_[c]-- > 0 ? 1 : -1;
      first = first || (held_[c] == 0 && wanted_[c] >= 0);
      last = last || --left_[c] == 0;
    }
    if (!last && (nearer > 0 || (nearer == 0 && first))) {
      for (const Index i : unit) ++held_[class_of(i)];
      return true;
    }
    for (const Index i : unit) {
      ++wanted_[class_of(i)];
      ++left_[class_of(i)];
    }
    return false;
  }

 private:
  std::size_t class_of(Index i) const { return static_cast<std::size_t>(data_.label(i)); }

  const Dataset& data_;
  std::vector<Index> wanted_;  // below 0: too many
  std::vector<Index> left_, held_;
};

/// Takes about `wanted` samples of each class out of `from` at random, whole groups.
Positions draw(const Dataset& data, Positions& from, std::vector<Index> wanted,
               const std::vector<Index>& groups, Random random) {
  Positions order = from;
  std::vector<Unit> units = units_of(order, groups);
  shuffle(units.data(), static_cast<Index>(units.size()), random);
  Holding holding(data, from, std::move(wanted));
  Positions taken;
  for (const Unit unit : units) {
    if (holding.take(unit)) taken.insert(taken.end(), unit.begin(), unit.end());
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
    if (contiguous()) {
      if (!options.group.empty() && options.group != "none")
        throw Error(Fault::usage, "group", "a text is divided into contiguous parts, not by groups");
      return;
    }
    std::vector<Index> labels;
    for (const Index i : train_) labels.push_back(data_->label(i));
    groups_ = find_groups(parts.names, labels, options.group);
  }

  void note_groups() {
    if (!groups_.note.empty()) note(groups_.note);
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
  Groups groups_;
};

void Completing::draw_test() {
  Positions test;
  if (contiguous()) {
    test = cut_end(train_, std::min(tenth(), data_->size() - 1));
    note("test: the last tenth of the text");
  } else {
    std::vector<Index> wanted = count_classes(*data_, train_);
    for (Index& n : wanted) n = n < 2 ? 0 : std::max<Index>(1, (n + kHeldOutOf / 2) / kHeldOutOf);
    test = draw(*data_, train_, std::move(wanted), groups_.of, Random(options_.seed, "split test"));
    if (test.empty())
      return note(groups_.of.empty() ? "test: none, as no class has two samples"
                                     : "test: none, as no group can be spared");
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
  const Index each = before / classes;
  const bool few = each < kFewLabels;
  const Index of = few ? kFewHeldOutOf : kHeldOutOf;
  const bool most = before > of * kMostValidation;
  for (Index& n : wanted)
    n = n < kHeldOutOf ? 0 : std::max<Index>(1, most ? n * kMostValidation / before : n / of);
  Positions held =
      draw(*data_, train_, std::move(wanted), groups_.of, Random(options_.seed, "split validation"));
  if (held.empty()) {
    note(fmt::format("validation: none, as {}: nothing is chosen, the last epoch's weights are kept",
                     groups_.of.empty()
                         ? fmt::format("no class has {} training samples to spare one", kHeldOutOf)
                         : "no group can be spared"));
    return;
  }
  note(fmt::format("validation: {} of {} training samples, {} (split seed {}){}", held.size(), before,
                   most  ? "the same share of each class"
                   : few ? "a tenth of each class, at least one of five"
                         : "a fifth of each class",
                   options_.seed,
                   few ? fmt::format("; {} a class are few, which training needs more than the choice of an "
                                     "epoch does (--validation none: all train)",
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
  if (parts.test && (parts.validation || !options.validation) && options.labels <= 0) return parts;
  Completing completing(parts, options);
  completing.note_groups();
  if (!parts.test) completing.draw_test();
  completing.keep_labels();
  if (!parts.validation && options.validation) completing.draw_validation();
  completing.finish();
  return parts;
}

}  // namespace firn
