// Problem sizes by name: said once, for benchmarks and tests.
#pragma once

#include "engine/kernels/conv.h"
#include "engine/kernels/recurrent.h"

namespace firn::problems {

struct DenseProblem {
  const char* name;
  Index m, n, k;  ///< rows, outputs, inputs
};
inline constexpr DenseProblem kDense[] = {
    {"256^3", 256, 256, 256},
    {"mlp fc1, batch 128", 128, 512, 784},
    {"head 64x10", 128, 10, 64},
};

struct ConvProblem {
  const char* name;
  Index batch;
  ConvGeometry geometry;
};
/// A 3x3 convolution of stride 1 that keeps the image's size.
constexpr ConvGeometry same3x3(Index size, Index c, Index oc) {
  ConvGeometry g;
  g.h = g.w = g.oh = g.ow = size;
  g.c = c;
  g.oc = oc;
  g.kh = g.kw = 3;
  g.pad_h = g.pad_w = 1;
  return g;
}
inline constexpr ConvProblem kConv[] = {
    {"3x3 64->64 14x14 batch 32", 32, same3x3(14, 64, 64)},
    {"3x3 16->32 32x32 batch 32", 32, same3x3(32, 16, 32)},
    {"3x3 3->16 32x32 batch 32", 32, same3x3(32, 3, 16)},
    {"3x3 1->32 28x28 batch 64", 64, same3x3(28, 1, 32)},
    {"3x3 256->256 8x8 batch 64", 64, same3x3(8, 256, 256)},
};

struct RecurrentProblem {
  const char* name;
  Index batch, steps, inputs, units;
};
inline constexpr RecurrentProblem kRecurrent[] = {
    {"lstm H=128 B=32 T=50", 32, 50, 64, 128},
    {"lstm H=256 B=64 T=100", 64, 100, 128, 256},
};

}  // namespace firn::problems
