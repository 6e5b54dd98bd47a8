// Numbers of 16 bits: the upper half of a float (sign, 8 bits of exponent, 7 of fraction).
#pragma once

#include "engine/kernels/conv.h"
#include "engine/kernels/matrix_unit.h"

namespace firn {

/// Conversions. To bf16 a number goes to the nearest one, of two the even one; beyond the greatest to
/// infinity; NaN stays a (quiet) NaN. A subnormal number stays what it is. `narrow` and `widen` do not work
/// in place.
struct Bf16Kernels {
  void (*narrow)(Index count, const real* x, Bf16* y);
  void (*widen)(Index count, const Bf16* x, real* y);
  /// y = x to the nearest bf16; in place where y = x.
  void (*round)(Index count, const real* x, real* y);
};

/// True for the convolutions that `PairKernels` take.
constexpr bool pairs_fit(const ConvGeometry& g) {
  return g.groups == 1;
}

/// Convolutions as products of pairs of bf16, as the instruction vdpbf16ps makes them. Inputs and weights are
/// rounded to bf16. The inputs of an output, in the order (row of the kernel, column, channel) and with a
/// zero behind an odd number of them, are taken by two: s = a0*b0 + (a1*b1 + s), each product exact and each
/// sum rounded once to a float; subnormal numbers count as zero, operands and sums alike. Two sets differ in
/// nothing else than the epilogue's rounding. All functions want `pairs_fit(g)`; a dense layer is a
/// convolution of 1x1 pixels.
struct PairKernels {
  /// Elements of a packed weight.
  Index (*weight_count)(const ConvGeometry& g);
  /// Weight (kh,kw,c,oc) to the form that `forward` reads.
  void (*pack)(const ConvGeometry& g, const real* weight, real* packed);
  /// Elements of scratch for n images, 64-byte aligned.
  Index (*scratch)(const ConvGeometry& g, Index n);
  /// y = epilogue(x * weight) for n images. The bits of an image do not depend on the others.
  void (*forward)(const ConvGeometry& g, Index n, const real* x, const real* packed, const Epilogue& epilogue,
                  real* y, real* scratch);
  /// A loop that touches no memory: `rounds` times `chains` multiply-adds of numbers in registers.
  Index chains;
  real (*multiply_add)(Index rounds);
};

struct Kernels;
/// Those of the processor where it has the instruction and the set is avx512, else the plain loops.
const PairKernels& pair_kernels(const Kernels& kernels);

}  // namespace firn
