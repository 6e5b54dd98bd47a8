#include "data/subset.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/rng.h"

namespace firn {

namespace {

class View : public Dataset {
 public:
  /// `new_label` maps the labels of `data`; empty leaves them.
  View(DataInfo info, DatasetPtr data, std::vector<Index> indices, std::vector<std::int32_t> new_label = {})
      : Dataset(std::move(info)),
        data_(std::move(data)),
        indices_(std::move(indices)),
        new_label_(std::move(new_label)) {}

  Index size() const override { return static_cast<Index>(indices_.size()); }
  std::int32_t label(Index i) const override {
    const std::int32_t old = data_->label(at(i));
    return new_label_.empty() ? old : new_label_[static_cast<std::size_t>(old)];
  }
  Index length(Index i) const override { return data_->length(at(i)); }
  void fill_numbers(Index i, std::span<real> to) const override { data_->fill_numbers(at(i), to); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override { data_->fill_tokens(at(i), to); }
  void fill_labels(Index i, std::span<std::int32_t> to) const override {
    if (info().label_each_step) {
      data_->fill_labels(at(i), to);
    } else {
      Dataset::fill_labels(i, to);
    }
  }

 private:
  Index at(Index i) const { return indices_[static_cast<std::size_t>(i)]; }

  DatasetPtr data_;
  std::vector<Index> indices_;
  std::vector<std::int32_t> new_label_;
};

/// The positions of each class's samples.
std::vector<std::vector<Index>> by_class(const Dataset& data) {
  if (data.info().label_each_step) {
    throw Error(Fault::usage, "subset", data.info().name + " has no one class a sample");
  }
  std::vector<std::vector<Index>> positions(data.info().classes.size());
  for (Index i = 0; i < data.size(); ++i) positions[static_cast<std::size_t>(data.label(i))].push_back(i);
  return positions;
}

}  // namespace

DatasetPtr subset(DatasetPtr data, std::vector<Index> indices) {
  for (const Index i : indices) {
    if (i < 0 || i >= data->size()) {
      throw Error(Fault::usage, "subset", fmt::format("no sample {} among {}", i, data->size()));
    }
  }
  DataInfo info = data->info();
  return std::make_shared<View>(std::move(info), std::move(data), std::move(indices));
}

DatasetPtr subset_classes(DatasetPtr data, std::span<const std::int32_t> classes, bool relabel) {
  const std::vector<std::vector<Index>> positions = by_class(*data);
  DataInfo info = data->info();
  std::vector<std::int32_t> new_label(info.classes.size(), -1);
  std::vector<std::string> names;
  std::vector<Index> indices;
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

DatasetPtr subset_per_class(DatasetPtr data, Index n, std::uint64_t seed) {
  if (n < 0) throw Error(Fault::usage, "subset", fmt::format("{} samples a class", n));
  std::vector<std::vector<Index>> positions = by_class(*data);
  std::vector<Index> indices;
  for (std::size_t c = 0; c < positions.size(); ++c) {
    std::vector<Index>& own = positions[c];
    Random random(seed, "subset", c);
    shuffle(own.data(), static_cast<Index>(own.size()), random);
    own.resize(std::min(own.size(), static_cast<std::size_t>(n)));
    indices.insert(indices.end(), own.begin(), own.end());
  }
  std::sort(indices.begin(), indices.end());
  return subset(std::move(data), std::move(indices));
}

DataParts split_every_fifth(const DatasetPtr& data) {
  std::vector<Index> train;
  std::vector<Index> test;
  std::vector<Index> seen(data->info().classes.size());
  for (Index i = 0; i < data->size(); ++i) {
    Index& before = seen[static_cast<std::size_t>(data->label(i))];
    (before++ % 5 == 4 ? test : train).push_back(i);
  }
  return {subset(data, std::move(train)), subset(data, std::move(test))};
}

}  // namespace firn
