#include "data/transform.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "data/finite.h"
#include "engine/base/error.h"

namespace firn {

namespace {

double or_default(const std::vector<double>& values, Index c, double fallback) {
  return values.empty() ? fallback : values[static_cast<std::size_t>(c)];
}

}  // namespace

Preprocess standardise(const Dataset& data) {
  const DataInfo& info = data.info();
  if (info.kind == DataKind::tokens) return {};
  const Index channels = info.shape[-1];
  const auto width = static_cast<std::size_t>(channels);
  std::vector<real> sample(static_cast<std::size_t>(info.shape.count()));
  const Index positions = info.shape.count() / std::max<Index>(channels, 1);

  // Two passes: the squares of what is left after the mean do not cancel.
  Preprocess result;
  result.mean.assign(width, 0);
  result.deviation.assign(width, 0);
  double count = 0;
  const auto sum = [&](std::vector<double>& sums, auto term) {
    count = 0;
    for (Index i = 0; i < data.size(); ++i) {
      data.fill_numbers(i, sample);
      const Index own = info.kind == DataKind::sequence ? data.length(i) : positions;
      require_finite(data, i, {sample.data(), static_cast<std::size_t>(own * channels)});
      for (Index p = 0; p < own; ++p) {
        const real* x = sample.data() + p * channels;
        for (std::size_t c = 0; c < width; ++c) sums[c] += term(static_cast<double>(x[c]), c);
      }
      count += static_cast<double>(own);
    }
  };
  sum(result.mean, [](double x, std::size_t) { return x; });
  for (double& m : result.mean) m /= std::max(count, 1.0);
  sum(result.deviation, [&](double x, std::size_t c) { return (x - result.mean[c]) * (x - result.mean[c]); });
  for (double& d : result.deviation) {
    d = std::sqrt(d / std::max(count, 1.0));
    if (!(d > 0)) d = 1;
  }
  return result;
}

void check_preprocess(const Preprocess& preprocess, const DataInfo& info) {
  if (info.kind == DataKind::tokens) {
    if (!preprocess.mean.empty() || !preprocess.deviation.empty() || preprocess.bgr) {
      throw Error(Fault::usage, "preprocess", info.name + " holds tokens, which have no mean");
    }
    return;
  }
  const auto channels = static_cast<std::size_t>(info.shape[-1]);
  for (const auto* values : {&preprocess.mean, &preprocess.deviation}) {
    if (!values->empty() && values->size() != channels) {
      throw Error(Fault::usage, "preprocess",
                  fmt::format("{} values for the {} channels of {}", values->size(), channels, info.name));
    }
  }
  for (const double d : preprocess.deviation) {
    if (!(d > 0)) throw Error(Fault::usage, "preprocess", fmt::format("deviation {} is not positive", d));
  }
}

void apply(const Preprocess& preprocess, Index channels, std::span<real> values) {
  const auto width = static_cast<std::size_t>(channels);
  if (preprocess.bgr) {
    for (std::size_t p = 0; p + width <= values.size(); p += width) {
      std::reverse(values.data() + p, values.data() + p + width);
    }
  }
  for (Index c = 0; c < channels; ++c) {
    const auto scale = static_cast<real>(preprocess.scale);
    const auto mean = static_cast<real>(or_default(preprocess.mean, c, 0));
    const auto deviation = static_cast<real>(or_default(preprocess.deviation, c, 1));
    if (scale == 1 && mean == 0 && deviation == 1) continue;
    for (std::size_t i = static_cast<std::size_t>(c); i < values.size(); i += width) {
      values[i] = (scale * values[i] - mean) / deviation;
    }
  }
}

}  // namespace firn
