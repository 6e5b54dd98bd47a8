#include "data/dataset.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/sha256.h"

namespace firn {

namespace {

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

}  // namespace

std::string_view data_kind_name(DataKind kind) {
  switch (kind) {
    case DataKind::image:
      return "image";
    case DataKind::tokens:
      return "tokens";
    case DataKind::sequence:
      return "sequence";
    case DataKind::vector:
      return "vector";
  }
  return "?";
}

Index Dataset::length(Index) const {
  return info_.shape[0];
}

std::string Dataset::place(Index i) const {
  return fmt::format("sample {} (counted from 0) of {}", i, info_.name);
}

void Dataset::fill_numbers(Index, std::span<real>) const {
  throw Error(Fault::usage, "data", info_.name + " holds tokens, numbers were asked for");
}

void Dataset::fill_tokens(Index, std::span<std::int32_t>) const {
  throw Error(Fault::usage, "data", info_.name + " holds numbers, tokens were asked for");
}

void Dataset::fill_labels(Index i, std::span<std::int32_t> to) const {
  std::fill(to.begin(), to.end(), label(i));
}

void Dataset::fill_targets(Index, std::span<double>) const {
  throw Error(Fault::usage, "data", info_.name + " holds classes, other targets were asked for");
}

const DataInfo& DataParts::info() const {
  for (const DatasetPtr& part : {train, validation, test, all}) {
    if (part) return part->info();
  }
  throw Error(Fault::usage, "data", "no part of a set is there");
}

std::vector<Index> class_counts(const Dataset& data) {
  std::vector<Index> counts(data.info().classes.size());
  if (data.info().targets != TargetKind::labels) {
    for (Index i = 0; i < data.size(); ++i) ++counts[static_cast<std::size_t>(data.label(i))];
    return counts;
  }
  std::vector<double> row(counts.size());
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_targets(i, row);
    for (std::size_t c = 0; c < row.size(); ++c) counts[c] += row[c] != 0 ? 1 : 0;
  }
  return counts;
}

std::string fingerprint(const Dataset& data) {
  const DataInfo& info = data.info();
  Sha256 hash;
  hash.update(std::as_bytes(std::span(data_kind_name(info.kind))));
  hash.update(std::as_bytes(info.shape.sizes()));
  const bool tokens = info.kind == DataKind::tokens;
  const auto count = static_cast<std::size_t>(info.shape.count());
  std::vector<std::int32_t> indices(tokens ? count : 0);
  std::vector<real> numbers(tokens ? 0 : count);
  const bool classes = info.targets == TargetKind::classes;
  std::vector<std::int32_t> labels(info.label_each_step ? static_cast<std::size_t>(info.shape[0]) : 1);
  std::vector<double> targets(classes ? 0 : info.classes.size());
  for (Index i = 0; i < data.size(); ++i) {
    if (tokens) {
      data.fill_tokens(i, indices);
    } else {
      data.fill_numbers(i, numbers);
    }
    const std::int64_t length = data.length(i);
    hash.update(std::as_bytes(std::span(&length, 1)));
    if (classes) {
      data.fill_labels(i, labels);
      hash.update(bytes_of(labels));
    } else {
      data.fill_targets(i, targets);
      hash.update(bytes_of(targets));
    }
    hash.update(tokens ? bytes_of(indices) : bytes_of(numbers));
  }
  return hash.hex();
}

}  // namespace firn
