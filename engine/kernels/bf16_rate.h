// Which products of bf16 pay on this processor.
#pragma once

#include <string>

#include "engine/kernels/kernels.h"

namespace firn {

/// How many times as many multiply-adds the products of pairs of this set make a second as its products in
/// fp32, in registers: measured at the first call, in some milliseconds, by turns, and taken to the nearest
/// power of two, so that what depends on it is the same in every run. 0 where the processor has no such
/// products.
double pair_rate(const Kernels& kernels);

/// The same of the processor's matrix unit, in tiles that stay where they are.
double unit_rate(const Kernels& kernels);

/// One line for `doctor`: what is done in layers whose precision is bf16.
std::string bf16_reason();

}  // namespace firn
