#include "tests/engine/gradient_check.h"

#include <fmt/core.h>

#include <cmath>

namespace firn::test {

std::vector<real> central_differences(CaseRun& run, Parameter& parameter, real epsilon) {
  std::vector<real> result;
  for (real& x : parameter.mutable_value().values()) {
    const real middle = x;
    const auto loss_at = [&](real value) {
      x = value;
      parameter.touch();
      return run.run();
    };
    const real above = middle + epsilon;
    const real below = middle - epsilon;
    result.push_back((loss_at(above) - loss_at(below)) / (above - below));
    loss_at(middle);
  }
  return result;
}

std::optional<std::string> difference(const std::vector<real>& analytic, const std::vector<real>& numeric) {
  if (analytic.size() != numeric.size()) {
    return fmt::format("{} gradients for {} elements", analytic.size(), numeric.size());
  }
  for (std::size_t i = 0; i < numeric.size(); ++i) {
    const real tolerance = real(1e-7) + real(1e-5) * std::abs(numeric[i]);
    if (!(std::abs(analytic[i] - numeric[i]) <= tolerance)) {
      return fmt::format("element {}: analytic {}, numeric {}", i, analytic[i], numeric[i]);
    }
  }
  return {};
}

}  // namespace firn::test
