#include "engine/program/check_gradients.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/error.h"

namespace firn {

namespace {

double loss_of(Program& step) {
  step.run();
  return static_cast<double>(*step.output_data("loss"));
}

/// Puts the number back, whatever happens.
class Moved {
 public:
  Moved(Parameter& parameter, Index element)
      : parameter_(parameter), place_(parameter.mutable_value().data() + element), old_(*place_) {}
  ~Moved() { move(0); }
  Moved(const Moved&) = delete;
  Moved& operator=(const Moved&) = delete;
  void move(double by) {
    *place_ = old_ + static_cast<real>(by);
    parameter_.touch();
  }

 private:
  Parameter& parameter_;
  real* place_;
  real old_;
};

}  // namespace

GradientCheck check_gradients(Program& step, Index elements, double by) {
  if (!step.is_training()) throw Error(Fault::usage, "check gradients", "a training step is wanted");
  loss_of(step);
  std::vector<std::vector<GradientCheck>> all;
  for (const GradientView& view : step.gradients()) {
    std::vector<GradientCheck>& seen = all.emplace_back();
    const Index count = std::min(elements, view.count);
    for (Index i = 0; i < count; ++i) {
      const Index at = i * view.count / count;
      for_each_trainable(view.trains, view.parameter->shape(), at, 1, [&](Index, Index place, Index) {
        seen.push_back({.parameter = view.parameter->name(),
                        .element = place,
                        .gradient = static_cast<double>(view.data[at])});
      });
    }
  }
  std::vector<double> largest(all.size());
  for (std::size_t p = 0; p < all.size(); ++p) {
    for (GradientCheck& one : all[p]) {
      Moved moved(*step.gradients()[p].parameter, one.element);
      moved.move(by);
      const double more = loss_of(step);
      moved.move(-by);
      one.slope = (more - loss_of(step)) / (2 * by);
      largest[p] = std::max({largest[p], std::abs(one.gradient), std::abs(one.slope)});
    }
  }
  // A bias before a batch norm has no gradient but rounding.
  const double least = all.empty() ? 0 : 1e-4 * *std::max_element(largest.begin(), largest.end());
  GradientCheck worst;
  for (std::size_t p = 0; p < all.size(); ++p) {
    for (GradientCheck& one : all[p]) {
      one.error = std::abs(one.gradient - one.slope) / std::max({largest[p], least, 1e-30});
      if (!(one.error <= worst.error)) worst = one;
    }
  }
  return worst;
}

}  // namespace firn
