// Analytic gradients against central differences.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/engine/op_runner.h"

namespace firn::test {

/// (f(x + e) - f(x - e)) / 2e for every element of a parameter, f being the run's loss.
std::vector<real> central_differences(CaseRun& run, Parameter& parameter, real epsilon = real(1e-6));

/// The first place where two gradients differ by more than 1e-7 + 1e-5 * |numeric|, in words; none where they
/// agree. What is no number agrees with nothing.
std::optional<std::string> difference(const std::vector<real>& analytic, const std::vector<real>& numeric);

}  // namespace firn::test
