#include "data/lone_giant.h"

#include <fmt/core.h>

#include <cmath>
#include <vector>

namespace firn {

std::string lone_giant(const Dataset& data) {
  constexpr real kTimes = 1e6F;
  const DataInfo& info = data.info();
  if (info.kind == DataKind::tokens) return {};
  /// Of a column: the largest number, its sample, and the largest of other samples.
  struct Top {
    real largest = 0, other = 0;
    Index sample = -1;
  };
  const auto width = static_cast<std::size_t>(info.shape[-1]);
  std::vector<Top> tops(width);
  std::vector<real> values(static_cast<std::size_t>(info.shape.count()));
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_numbers(i, values);
    for (std::size_t k = 0; k < values.size(); ++k) {
      Top& top = tops[k % width];
      const real size = std::abs(values[k]);
      if (size > top.largest) {
        if (top.sample != i) top.other = top.largest;
        top.largest = size;
        top.sample = i;
      } else if (size > top.other && top.sample != i) {
        top.other = size;
      }
    }
  }
  for (std::size_t c = 0; c < width; ++c) {
    const Top& top = tops[c];
    if (!(top.other > 0) || top.largest / kTimes < top.other) continue;
    const std::string where = c < info.features.size() ? "'" + info.features[c] + "'"
                              : width > 1              ? fmt::format("its number {}", c)
                                                       : std::string("it");
    return fmt::format(
        "{} holds {:g} in {}, no other sample more than {:g}: standardised by this, the others are "
        "as good as equal; is it meant?",
        data.place(top.sample), top.largest, where, top.other);
  }
  return {};
}

}  // namespace firn
