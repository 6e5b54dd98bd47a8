// Every kernel and pass on the named sizes, ready to be called: what all benchmarks of kernels time.
#pragma once

#include <vector>

#include "bench/problem_case.h"

namespace firn::problems {

/// All of them, products first. Winograd's are counted by the multiply-adds of the direct convolution.
std::vector<KernelCase> kernel_cases();

}  // namespace firn::problems
