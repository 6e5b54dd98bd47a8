#include "optim/standardised_head.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/base/error.h"
#include "optim/state.h"

namespace firn {

namespace {

constexpr double kFloor = 1e-3;  // of the mean variance

}  // namespace

StandardisedHead::StandardisedHead(Parameter& weight, Parameter& bias, double decay)
    : weight_(weight), bias_(bias), decay_(decay) {
  const Shape& shape = weight.shape();
  if (shape.rank() != 2 || bias.shape() != Shape{shape[1]}) {
    throw Error(Fault::usage, "standardised head",
                fmt::format("{} {} and {} {} are no dense layer", weight.name(), shape.text(), bias.name(),
                            bias.shape().text()));
  }
  if (!(decay >= 0)) throw Error(Fault::usage, "standardised head", fmt::format("a decay of {}", decay));
  const auto in = static_cast<std::size_t>(shape[0]), out = static_cast<std::size_t>(shape[1]);
  mean_.resize(in);
  deviation_.resize(in);
  sums_.resize(out);
  weight_gradient_.resize(in * out);
  weight_before_.resize(in * out);
  bias_gradient_.resize(out);
  bias_before_.resize(out);
}

void StandardisedHead::measure(const real* features, Index count) {
  const std::size_t in = mean_.size();
  for (Index n = 0; n < count; ++n) {
    const real* x = features + n * static_cast<Index>(in);
    for (std::size_t i = 0; i < in; ++i) {
      const auto value = static_cast<double>(x[i]);
      mean_[i] += value;
      deviation_[i] += value * value;
    }
  }
  samples_ += count;
}

void StandardisedHead::measured() {
  const auto n = static_cast<double>(std::max<Index>(samples_, 1));
  double total = 0;
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    mean_[i] /= n;
    deviation_[i] = std::max(0.0, deviation_[i] / n - mean_[i] * mean_[i]);
    total += deviation_[i];
  }
  const double floor = kFloor * total / static_cast<double>(mean_.size());
  for (double& d : deviation_) d = floor > 0 ? std::sqrt(d + floor) : 1;
  ready_ = true;
}

void StandardisedHead::forget() {
  samples_ = 0;
  ready_ = false;
  std::fill(mean_.begin(), mean_.end(), 0.0);
  std::fill(deviation_.begin(), deviation_.end(), 0.0);
}

std::span<const GradientView> StandardisedHead::enter(std::span<const GradientView> gradients) {
  const auto of = [&](const Parameter& parameter) {
    return std::find_if(gradients.begin(), gradients.end(), [&](const GradientView& g) {
      return g.parameter == &parameter && g.trains == nullptr;
    });
  };
  const auto weight = of(weight_), bias = of(bias_);
  if (!ready_ || weight == gradients.end() || bias == gradients.end()) return gradients;
  inside_ = true;
  const std::size_t in = mean_.size(), out = sums_.size();
  real* w = weight_.mutable_value().data();
  real* b = bias_.mutable_value().data();
  std::copy_n(w, in * out, weight_before_.data());
  std::copy_n(b, out, bias_before_.data());
  std::copy_n(bias->data, out, bias_gradient_.data());
  std::fill(sums_.begin(), sums_.end(), 0.0);
  for (std::size_t i = 0; i < in; ++i) {
    for (std::size_t o = 0; o < out; ++o) {
      const std::size_t at = i * out + o;
      const auto old = static_cast<double>(w[at]);
      const double gradient =
          (static_cast<double>(weight->data[at]) - mean_[i] * static_cast<double>(bias->data[o])) /
          deviation_[i];
      sums_[o] += mean_[i] * old;
      w[at] = static_cast<real>(deviation_[i] * old);
      weight_gradient_[at] = static_cast<real>(gradient + decay_ * deviation_[i] * old);
    }
  }
  for (std::size_t o = 0; o < out; ++o) b[o] = static_cast<real>(static_cast<double>(b[o]) + sums_[o]);
  views_.assign(gradients.begin(), gradients.end());
  views_[static_cast<std::size_t>(weight - gradients.begin())].data = weight_gradient_.data();
  views_[static_cast<std::size_t>(bias - gradients.begin())].data = bias_gradient_.data();
  return views_;
}

void StandardisedHead::leave() {
  if (!std::exchange(inside_, false)) return;
  const std::size_t in = mean_.size(), out = sums_.size();
  real* w = weight_.mutable_value().data();
  real* b = bias_.mutable_value().data();
  std::fill(sums_.begin(), sums_.end(), 0.0);
  for (std::size_t i = 0; i < in; ++i) {
    for (std::size_t o = 0; o < out; ++o) {
      const double value = static_cast<double>(w[i * out + o]) / deviation_[i];
      sums_[o] += mean_[i] * value;
      w[i * out + o] = static_cast<real>(value);
    }
  }
  for (std::size_t o = 0; o < out; ++o) b[o] = static_cast<real>(static_cast<double>(b[o]) - sums_[o]);
  weight_.touch();
  bias_.touch();
}

void StandardisedHead::abandon() {
  if (!std::exchange(inside_, false)) return;
  std::copy(weight_before_.begin(), weight_before_.end(), weight_.mutable_value().data());
  std::copy(bias_before_.begin(), bias_before_.end(), bias_.mutable_value().data());
}

void StandardisedHead::save(const StateWriter& to) const {
  if (!ready_) return;
  to.whole("samples", samples_);
  to.numbers("mean", mean_);
  to.numbers("deviation", deviation_);
}

void StandardisedHead::load(const StateReader& from) {
  forget();
  if (!from.has("samples")) return;
  constexpr Index kMost = std::numeric_limits<Index>::max() / 2;
  samples_ = from.whole("samples", 0, kMost);
  mean_ = from.numbers("mean", mean_.size());
  deviation_ = from.numbers("deviation", deviation_.size());
  for (const double d : deviation_) {
    if (!(d > 0 && std::isfinite(d))) from.fail("deviation", fmt::format("holds {}", d));
  }
  for (const double m : mean_) {
    if (!std::isfinite(m)) from.fail("mean", fmt::format("holds {}", m));
  }
  ready_ = true;
}

}  // namespace firn
