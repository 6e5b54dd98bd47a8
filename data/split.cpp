#include "data/split.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>

#include "data/groups.h"
#include "data/subset.h"
#include "engine/base/error.h"
#include "engine/base/rng.h"

namespace firn {

namespace {

constexpr Index kFewHeldOutOf = 10;

/// In ascending order.
using Positions = SamplePositions;

/// What the parts are to have in the same proportions: classes; of numbers ranges of as many samples, of
/// labels all samples together.
struct Strata {
  std::vector<std::int32_t> of;  ///< of each sample
  std::size_t count = 1;
  std::string each;  ///< "each class", as notes say it
};

/// Ranges of the mean rank over the columns of targets.
Strata ranges_of(const Dataset& data) {
  constexpr Index kMost = 10;
  const auto size = static_cast<std::size_t>(data.size());
  const std::size_t width = data.info().classes.size();
  std::vector<double> row(width), column(size), rank(size, 0.0);
  Positions order(size);
  const auto sort_by = [&](const std::vector<double>& key) {
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return key[a] < key[b]; });
  };
  for (std::size_t c = 0; c < width; ++c) {
    for (std::size_t i = 0; i < size; ++i) {
      data.fill_targets(static_cast<Index>(i), row);
      column[i] = row[c];
    }
    sort_by(column);
    for (std::size_t r = 0; r < size; ++r) rank[order[r]] += static_cast<double>(r);
  }
  sort_by(rank);
  Strata strata;
  const Index count = std::clamp<Index>(data.size() / (2 * kHeldOutOf), 1, kMost);
  strata.count = static_cast<std::size_t>(count);
  strata.of.resize(size);
  for (std::size_t r = 0; r < size; ++r)
    strata.of[order[r]] = static_cast<std::int32_t>(static_cast<Index>(r) * count / data.size());
  strata.each = count == 1 ? "all" : fmt::format("each of {} ranges of the target", count);
  return strata;
}

Strata strata_of(const Dataset& data) {
  Strata strata;
  switch (data.info().targets) {
    case TargetKind::classes:
      strata.count = data.info().classes.size();
      strata.of.reserve(static_cast<std::size_t>(data.size()));
      for (Index i = 0; i < data.size(); ++i) strata.of.push_back(data.label(i));
      strata.each = "each class";
      return strata;
    case TargetKind::numbers:
      return ranges_of(data);
    case TargetKind::labels:
      strata.of.assign(static_cast<std::size_t>(data.size()), 0);
      strata.each = "all";
      return strata;
  }
  return strata;
}

std::vector<Index> count_strata(const Strata& strata, const Positions& from) {
  std::vector<Index> counts(strata.count);
  for (const std::uint32_t i : from) ++counts[static_cast<std::size_t>(strata.of[i])];
  return counts;
}

/// Samples that are drawn together.
using Unit = std::span<const std::uint32_t>;

/// `positions` by group, which are put side by side for that.
std::vector<Unit> units_of(Positions& positions, const std::vector<Index>& groups) {
  const auto group = [&](std::uint32_t i) { return groups[i]; };
  std::stable_sort(positions.begin(), positions.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return group(a) < group(b); });
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
  Holding(const Strata& strata, const Positions& from, std::vector<Index> wanted)
      : strata_(strata), wanted_(std::move(wanted)), left_(count_strata(strata, from)), held_(left_.size()) {}

  /// Takes `unit` where that brings the classes nearer to what is wanted and leaves none empty.
  bool take(Unit unit) {
    Index nearer = 0;
    bool first = false, last = false;
    for (const std::uint32_t i : unit) {
      const std::size_t c = class_of(i);
      nearer += wanted_[c]-- > 0 ? 1 : -1;
      first = first || (held_[c] == 0 && wanted_[c] >= 0);
      last = last || --left_[c] == 0;
    }
    if (!last && (nearer > 0 || (nearer == 0 && first))) {
      for (const std::uint32_t i : unit) ++held_[class_of(i)];
      return true;
    }
    for (const std::uint32_t i : unit) {
      ++wanted_[class_of(i)];
      ++left_[class_of(i)];
    }
    return false;
  }

 private:
  std::size_t class_of(std::uint32_t i) const { return static_cast<std::size_t>(strata_.of[i]); }

  const Strata& strata_;
  std::vector<Index> wanted_;  // below 0: too many
  std::vector<Index> left_, held_;
};

/// Takes about `wanted` samples of each class out of `from` at random, whole groups.
Positions draw(const Strata& strata, Positions& from, std::vector<Index> wanted,
               const std::vector<Index>& groups, Random random) {
  Positions order = from;
  Holding holding(strata, from, std::move(wanted));
  Positions taken;
  if (groups.empty()) {
    // Of a large table there are many: no unit is made of each.
    shuffle(order.data(), static_cast<Index>(order.size()), random);
    std::size_t count = 0;
    for (const std::uint32_t i : order) {
      if (holding.take({&i, 1})) order[count++] = i;
    }
    order.resize(count);
    taken = std::move(order);
  } else {
    std::vector<Unit> units = units_of(order, groups);
    shuffle(units.data(), static_cast<Index>(units.size()), random);
    for (const Unit unit : units) {
      if (holding.take(unit)) taken.insert(taken.end(), unit.begin(), unit.end());
    }
  }
  std::sort(taken.begin(), taken.end());
  std::size_t left = 0, next = 0;
  for (const std::uint32_t i : from) {
    if (next < taken.size() && taken[next] == i) {
      ++next;
    } else {
      from[left++] = i;
    }
  }
  from.resize(left);
  return taken;
}

Positions positions_in_turn(Index count) {
  Positions all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

class Completing {
 public:
  Completing(DataParts& parts, const SplitOptions& options)
      : parts_(parts), options_(options), data_(parts.train) {
    if (contiguous()) {
      if (!options.group.empty() && options.group != "none")
        throw Error(Fault::usage, "group", "a text is divided into contiguous parts, not by groups");
      run_ = data_->size();
      return;
    }
    train_ = positions_in_turn(data_->size());
    strata_ = strata_of(*data_);
    std::vector<Index> labels;
    if (!parts.names.empty()) labels.assign(strata_.of.begin(), strata_.of.end());
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
    if (run_) {
      if (*run_ < data_->size()) parts_.train = slice(data_, 0, *run_);
      return;
    }
    if (static_cast<Index>(train_.size()) < data_->size()) parts_.train = view_of(data_, std::move(train_));
  }

 private:
  bool contiguous() const { return data_->info().label_each_step; }
  DatasetPtr cut_end(Index count);
  Index tenth() const { return std::max<Index>(1, data_->size() / 10); }
  void note(std::string text) { parts_.notes.push_back(std::move(text)); }

  DataParts& parts_;
  const SplitOptions& options_;
  const DatasetPtr data_;
  std::optional<Index> run_;  // of a text: what trains are its first windows, so many, and `train_` is empty
  Positions train_;
  Strata strata_;
  Groups groups_;
};

/// The last samples of what trains, which they leave.
DatasetPtr Completing::cut_end(Index count) {
  if (run_) {
    *run_ -= count;
    return slice(data_, *run_, count);
  }
  const auto at = train_.end() - static_cast<std::ptrdiff_t>(count);
  Positions end(at, train_.end());
  train_.erase(at, train_.end());
  return view_of(data_, std::move(end));
}

void Completing::draw_test() {
  if (contiguous()) {
    parts_.test = cut_end(std::min(tenth(), data_->size() - 1));
    return note("test: the last tenth of the text");
  }
  std::vector<Index> wanted = count_strata(strata_, train_);
  for (Index& n : wanted) n = n < 2 ? 0 : std::max<Index>(1, (n + kHeldOutOf / 2) / kHeldOutOf);
  Positions test = draw(strata_, train_, std::move(wanted), groups_.of, Random(options_.seed, "split test"));
  if (test.empty())
    return note(groups_.of.empty() ? "test: none, as no class has two samples"
                                   : "test: none, as no group can be spared");
  note(fmt::format("test: {} of {} samples, a fifth of {} (split seed {})", test.size(), data_->size(),
                   strata_.each, options_.seed));
  parts_.test = view_of(data_, std::move(test));
}

void Completing::keep_labels() {
  if (options_.labels <= 0) return;
  if (data_->info().targets == TargetKind::classes) {
    train_ = pick_per_class(*data_, train_, options_.labels, options_.label_seed);
    return;
  }
  // Samples that have no one class: so many in all.
  Random random(options_.label_seed, "subset", 0);
  shuffle(train_.data(), static_cast<Index>(train_.size()), random);
  train_.resize(std::min(train_.size(), static_cast<std::size_t>(options_.labels)));
  std::sort(train_.begin(), train_.end());
}

void Completing::draw_validation() {
  const Index before = run_.value_or(static_cast<Index>(train_.size()));
  if (contiguous()) {
    const Index count = std::min({tenth(), before - 1, kMostValidation});
    if (count < 1) return;
    parts_.validation = cut_end(count);
    note(count == tenth() ? "validation: the tenth of the text before its test part"
                          : "validation: the end of the training part");
    return;
  }
  std::vector<Index> wanted = count_strata(strata_, train_);
  const bool by_class = data_->info().targets == TargetKind::classes;
  const auto classes =
      by_class
          ? std::max<Index>(1, std::count_if(wanted.begin(), wanted.end(), [](Index n) { return n > 0; }))
          : Index{1};
  const Index each = before / classes;
  const bool few = each < kFewLabels;
  const Index of = few ? kFewHeldOutOf : kHeldOutOf;
  const bool most = before > of * kMostValidation;
  for (Index& n : wanted)
    n = n < kHeldOutOf ? 0 : std::max<Index>(1, most ? n * kMostValidation / before : n / of);
  Positions held =
      draw(strata_, train_, std::move(wanted), groups_.of, Random(options_.seed, "split validation"));
  if (held.empty()) {
    note(fmt::format("validation: none, as {}: nothing is chosen, the last epoch's weights are kept",
                     groups_.of.empty()
                         ? fmt::format("no class has {} training samples to spare one", kHeldOutOf)
                         : "no group can be spared"));
    return;
  }
  note(fmt::format("validation: {} of {} training samples, {} (split seed {}){}", held.size(), before,
                   most  ? "the same share of " + strata_.each
                   : few ? fmt::format("a tenth of {}, at least one of five", strata_.each)
                         : "a fifth of " + strata_.each,
                   options_.seed,
                   few ? fmt::format("; {} {} are few, which training needs more than the choice of an "
                                     "epoch does (--validation none: all train)",
                                     each, by_class ? "a class" : "samples")
                       : ""));
  parts_.validation = view_of(data_, std::move(held));
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
