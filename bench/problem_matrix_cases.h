// Products of bf16 by the processor's matrix unit, ready to be called.
#pragma once

#include <vector>

#include "bench/problem_case.h"

namespace firn::problems {

/// Of the sizes of problems.h: "conv2d bf16", "conv2d dx bf16", ...; samples and gradients lie in memory as
/// bf16. None where the processor has no unit.
void add_matrix_cases(std::vector<KernelCase>& cases);

}  // namespace firn::problems
