// What datasets with one class a sample share.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace firn {

/// Where a file has each sample (`Dataset::place`); empty: not said.
using Places = std::function<std::string(Index)>;

/// Throws Error(usage) where a label is no class, or the values are not as many as `wanted`.
void check_labelled(const DataInfo& info, std::size_t values, std::size_t wanted,
                    const std::vector<std::int32_t>& labels);

/// The longest of `labels` samples that begin at `starts`, which ends with the end of the last. Throws
/// Error(usage) where one is empty, or the counts do not fit.
Index longest_of(const DataInfo& info, const std::vector<Index>& starts, std::size_t labels);

class Labelled : public Dataset {
 public:
  Labelled(DataInfo info, std::vector<std::int32_t> labels, Places places = {})
      : Dataset(std::move(info)), labels_(std::move(labels)), places_(std::move(places)) {}
  Index size() const override { return static_cast<Index>(labels_.size()); }
  std::int32_t label(Index i) const override { return labels_[static_cast<std::size_t>(i)]; }
  std::string place(Index i) const override { return places_ ? places_(i) : Dataset::place(i); }

 private:
  std::vector<std::int32_t> labels_;
  Places places_;
};

}  // namespace firn
