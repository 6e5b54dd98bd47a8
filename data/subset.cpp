#include "data/subset.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "engine/base/error.h"
#include "engine/base/rng.h"

namespace firn {

namespace {

class View : public Dataset {
 public:
  /// Those from `first` on.
  View(DataInfo info, DatasetPtr data, Index first, Index count)
      : Dataset(std::move(info)), data_(std::move(data)), first_(first), count_(count) {}
  /// `new_label` maps the labels of `data`; empty leaves them.
  View(DataInfo info, DatasetPtr data, SamplePositions indices, std::vector<std::int32_t> new_label = {})
      : Dataset(std::move(info)),
        data_(std::move(data)),
        indices_(std::move(indices)),
        count_(static_cast<Index>(indices_.size())),
        new_label_(std::move(new_label)) {}

  Index size() const override { return count_; }
  std::int32_t label(Index i) const override {
    const std::int32_t old = data_->label(at(i));
    return new_label_.empty() ? old : new_label_[static_cast<std::size_t>(old)];
  }
  Index length(Index i) const override { return data_->length(at(i)); }
  std::string place(Index i) const override { return data_->place(at(i)); }
  SampleOrigin origin(Index i) const override { return data_->origin(at(i)); }
  void fill_numbers(Index i, std::span<real> to) const override { data_->fill_numbers(at(i), to); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override { data_->fill_tokens(at(i), to); }
  void fill_targets(Index i, std::span<double> to) const override { data_->fill_targets(at(i), to); }
  void fill_labels(Index i, std::span<std::int32_t> to) const override {
    if (info().label_each_step) {
      data_->fill_labels(at(i), to);
    } else {
      Dataset::fill_labels(i, to);
    }
  }

 private:
  Index at(Index i) const { return indices_.empty() ? first_ + i : indices_[static_cast<std::size_t>(i)]; }

  DatasetPtr data_;
  SamplePositions indices_;  // empty: in turn from `first_` on
  Index first_ = 0, count_ = 0;
  std::vector<std::int32_t> new_label_;
};

class Concatenated : public Dataset {
 public:
  Concatenated(DatasetPtr first, DatasetPtr second)
      : Dataset(first->info()), first_(std::move(first)), second_(std::move(second)) {}

  Index size() const override { return first_->size() + second_->size(); }
  std::int32_t label(Index i) const override { return part(i).label(i); }
  Index length(Index i) const override { return part(i).length(i); }
  std::string place(Index i) const override { return part(i).place(i); }
  SampleOrigin origin(Index i) const override { return part(i).origin(i); }
  void fill_numbers(Index i, std::span<real> to) const override { part(i).fill_numbers(i, to); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override { part(i).fill_tokens(i, to); }
  void fill_labels(Index i, std::span<std::int32_t> to) const override { part(i).fill_labels(i, to); }
  void fill_targets(Index i, std::span<double> to) const override { part(i).fill_targets(i, to); }

 private:
  /// The part that holds sample i, which becomes its position there.
  const Dataset& part(Index& i) const {
    if (i < first_->size()) return *first_;
    i -= first_->size();
    return *second_;
  }

  DatasetPtr first_, second_;
};

void require_classes(const Dataset& data) {
  if (!data.info().label_each_step && data.info().targets == TargetKind::classes) return;
  throw Error(Fault::usage, "subset", data.info().name + " has no one class a sample");
}

SamplePositions all_of(const Dataset& data) {
  constexpr Index kMost = Index{1} << 32;
  if (data.size() > kMost) throw Error(Fault::usage, "subset", data.info().name + ": more than 2^32 samples");
  SamplePositions all(static_cast<std::size_t>(data.size()));
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

/// Those of `from` by their class.
std::vector<SamplePositions> by_class(const Dataset& data, const SamplePositions& from) {
  require_classes(data);
  std::vector<SamplePositions> positions(data.info().classes.size());
  for (const std::uint32_t i : from) positions[static_cast<std::size_t>(data.label(i))].push_back(i);
  return positions;
}

}  // namespace

DatasetPtr subset(DatasetPtr data, std::vector<Index> indices) {
  for (const Index i : indices) {
    if (i < 0 || i >= data->size() || i > Index{0xffffffff}) {
      throw Error(Fault::usage, "subset", fmt::format("no sample {} among {}", i, data->size()));
    }
  }
  return view_of(std::move(data), {indices.begin(), indices.end()});
}

DatasetPtr view_of(DatasetPtr data, SamplePositions positions) {
  for (const std::uint32_t i : positions) {
    if (Index{i} >= data->size())
      throw Error(Fault::usage, "subset", fmt::format("no sample {} among {}", i, data->size()));
  }
  DataInfo info = data->info();
  return std::make_shared<View>(std::move(info), std::move(data), std::move(positions));
}

DatasetPtr slice(DatasetPtr data, Index first, Index count) {
  if (first < 0 || count < 0 || first + count > data->size()) {
    throw Error(Fault::usage, "subset",
                fmt::format("no samples {} to {} among {}", first, first + count, data->size()));
  }
  DataInfo info = data->info();
  return std::make_shared<View>(std::move(info), std::move(data), first, count);
}

DatasetPtr subset_classes(DatasetPtr data, std::span<const std::int32_t> classes, bool relabel) {
  const std::vector<SamplePositions> positions = by_class(*data, all_of(*data));
  DataInfo info = data->info();
  std::vector<std::int32_t> new_label(info.classes.size(), -1);
  std::vector<std::string> names;
  SamplePositions indices;
  for (const std::int32_t c : classes) {
    if (c < 0 || static_cast<std::size_t>(c) >= new_label.size() ||
        new_label[static_cast<std::size_t>(c)] >= 0) {
      throw Error(Fault::usage, "subset",
                  fmt::format("class {} is unknown or twice ({} classes)", c, new_label.size()));
    }
    const auto at = static_cast<std::size_t>(c);
    new_label[at] = static_cast<std::int32_t>(names.size());
    names.push_back(info.classes[at]);
    indices.insert(indices.end(), positions[at].begin(), positions[at].end());
  }
  std::sort(indices.begin(), indices.end());
  if (relabel) {
    info.classes = std::move(names);
  } else {
    new_label.clear();
  }
  return std::make_shared<View>(std::move(info), std::move(data), std::move(indices), std::move(new_label));
}

SamplePositions pick_per_class(const Dataset& data, const SamplePositions& from, Index n,
                               std::uint64_t seed) {
  if (n < 0) throw Error(Fault::usage, "subset", fmt::format("{} samples a class", n));
  std::vector<SamplePositions> positions = by_class(data, from);
  SamplePositions indices;
  for (std::size_t c = 0; c < positions.size(); ++c) {
    SamplePositions& own = positions[c];
    Random random(seed, "subset", c);
    shuffle(own.data(), static_cast<Index>(own.size()), random);
    own.resize(std::min(own.size(), static_cast<std::size_t>(n)));
    indices.insert(indices.end(), own.begin(), own.end());
  }
  std::sort(indices.begin(), indices.end());
  return indices;
}

DatasetPtr subset_per_class(DatasetPtr data, Index n, std::uint64_t seed) {
  SamplePositions picked = pick_per_class(*data, all_of(*data), n, seed);
  return view_of(std::move(data), std::move(picked));
}

DatasetPtr concatenated(DatasetPtr first, DatasetPtr second) {
  return std::make_shared<Concatenated>(std::move(first), std::move(second));
}

}  // namespace firn
