#include "data/value_range.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace firn {

ValueRange value_range_of(const Dataset& data, Index most) {
  if (data.info().kind == DataKind::tokens || data.size() == 0) return {};
  const Index samples = most > 0 ? std::min(most, data.size()) : data.size();
  const bool sequence = data.info().kind == DataKind::sequence;
  std::vector<real> values(static_cast<std::size_t>(data.info().shape.count()));
  const Index step = sequence ? data.info().shape[1] : 1;
  real least = std::numeric_limits<real>::max();
  real greatest = std::numeric_limits<real>::lowest();
  for (Index k = 0; k < samples; ++k) {
    const Index i = k * data.size() / samples;
    data.fill_numbers(i, values);
    const auto end = sequence ? values.begin() + data.length(i) * step : values.end();
    for (auto at = values.begin(); at != end; ++at) {
      least = std::min(least, *at);
      greatest = std::max(greatest, *at);
    }
  }
  return {static_cast<double>(least), static_cast<double>(greatest)};
}

std::string misfit(const ValueRange& trained, const ValueRange& data) {
  constexpr double kFactor = 16;
  if (!(trained.width() > 0)) return {};
  // How far from zero matters too: the same numbers with 1000 added to them.
  const double far = std::max(-data.least, data.greatest);
  const double known = std::max({-trained.least, trained.greatest, trained.width()});
  const bool wide = data.width() > kFactor * trained.width() || far > kFactor * known;
  const bool narrow = data.width() > 0 && data.width() * kFactor < trained.width();
  if (!wide && !narrow) return {};
  return fmt::format(
      "the weights were trained on numbers from {:.4g} to {:.4g}, this data has {:.4g} to {:.4g}: scale it "
      "as that "
      "was, the answers mean nothing otherwise",
      trained.least, trained.greatest, data.least, data.greatest);
}

}  // namespace firn
