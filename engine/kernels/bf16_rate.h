// Which products of bf16 pay on this processor.
#pragma once

#include <string>

#include "engine/kernels/kernels.h"

namespace firn {

/// How many times as many multiply-adds the processor's matrix unit makes a second as the products in fp32 of
/// this set, which are in registers: measured at the first call, in some milliseconds, by turns, and taken to
/// the nearest power of two, so that what depends on it is the same in every run. 0 where it has no unit.
double unit_rate(const Kernels& kernels);

/// One line for `doctor`: what is done in layers whose precision is bf16.
std::string bf16_reason();

}  // namespace firn
