// Which products of bf16 pay on this processor.
#pragma once

#include <string>

#include "engine/kernels/kernels.h"

namespace firn {

/// How many times as many multiply-adds the processor's matrix unit makes a second as the products in fp32 of
/// this set, which are in registers: measured at the first call, in some milliseconds, by turns. It is taken
/// to 0.5, 1, 2, 4 or 16, with edges well below what processors reach, since what disturbs a measurement
/// nearly always lowers it: what depends on it is the same in every run. 0 where it has no unit.
double unit_rate(const Kernels& kernels);

/// Where the processor has a unit, `rate` counts from here on (0: what is measured): processes that share a
/// run choose alike. Before the first program is made.
void set_unit_rate(double rate);

/// One line for `doctor`: what is done in layers whose precision is bf16.
std::string bf16_reason();

}  // namespace firn
