// When a convolution is computed by Winograd's minimal filtering.
#pragma once

#include "engine/base/cpu.h"
#include "engine/kernels/conv.h"

namespace firn {

/// The m of the F(m x m, 3x3) that computes `g` faster than the direct kernel, where `winograd_fits(g)`; 0
/// where none does. `batch`: the images of a step when the weight trains, so that its transform is paid in
/// each step; 0 when it is transformed once. A function of its arguments alone: which bits come out depends
/// on no clock and no number of threads. The measurements behind it are in bench/winograd.md.
Index winograd_tile(const ConvGeometry& g, Isa isa, Index batch);

/// How many times as fast as the direct kernel tiles of m x m are, by the same rule.
double winograd_gain(const ConvGeometry& g, Isa isa, Index batch, Index m);

}  // namespace firn
