#include "data/lone_giant.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace firn {

namespace {

constexpr real kTimes = 1e6F;

/// "line 3 of a.csv holds 1e+30 in 'b'"
std::string giant_text(const Dataset& data, Index sample, double number, std::size_t column) {
  const DataInfo& info = data.info();
  const std::string where = column < info.features.size() ? "'" + info.features[column] + "'"
                            : info.shape[-1] > 1          ? fmt::format("its number {}", column)
                                                          : std::string("it");
  return fmt::format("{} holds {:g} in {}", data.place(sample), number, where);
}

/// each(sample, column, size) of all numbers.
void for_each_size(const Dataset& data, const auto& each) {
  const auto width = static_cast<std::size_t>(data.info().shape[-1]);
  std::vector<real> values(static_cast<std::size_t>(data.info().shape.count()));
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_numbers(i, values);
    for (std::size_t k = 0; k < values.size(); ++k) each(i, k % width, std::abs(values[k]));
  }
}

}  // namespace

std::string lone_giant(const Dataset& data) {
  const DataInfo& info = data.info();
  if (info.kind == DataKind::tokens) return {};
  /// Of a column: the largest number, its sample, and the largest of other samples.
  struct Top {
    real largest = 0, other = 0;
    Index sample = -1;
  };
  const auto width = static_cast<std::size_t>(info.shape[-1]);
  std::vector<Top> tops(width);
  for_each_size(data, [&](Index i, std::size_t column, real size) {
    Top& top = tops[column];
    if (size > top.largest) {
      if (top.sample != i) top.other = top.largest;
      top.largest = size;
      top.sample = i;
    } else if (size > top.other && top.sample != i) {
      top.other = size;
    }
  });
  for (std::size_t c = 0; c < width; ++c) {
    const Top& top = tops[c];
    if (!(top.other > 0) || top.largest / kTimes < top.other) continue;
    return fmt::format(
        "{}, no other sample more than {:g}: standardised by this, the others are as good as equal; is it "
        "meant?",
        giant_text(data, top.sample, static_cast<double>(top.largest), c), top.other);
  }
  return {};
}

std::vector<real> column_reach(const Dataset& data) {
  if (data.info().kind == DataKind::tokens) return {};
  std::vector<real> reach(static_cast<std::size_t>(data.info().shape[-1]));
  for_each_size(data,
                [&](Index, std::size_t column, real size) { reach[column] = std::max(reach[column], size); });
  return reach;
}

std::string giant_beside(const Dataset& data, std::span<const real> known) {
  if (data.info().kind == DataKind::tokens || known.empty()) return {};
  const auto known_in = [&](std::size_t column) { return known[known.size() > 1 ? column : 0]; };
  real largest = 1e6F;
  Index sample = -1;
  std::size_t at = 0;
  for_each_size(data, [&](Index i, std::size_t column, real size) {
    if (size <= largest || size / kTimes <= known_in(column)) return;
    largest = size;
    sample = i;
    at = column;
  });
  if (sample < 0) return {};
  return fmt::format("{}, what was learned from reaches to {:g}: such an answer means nothing; is it meant?",
                     giant_text(data, sample, static_cast<double>(largest), at), known_in(at));
}

}  // namespace firn
