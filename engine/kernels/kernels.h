// The table of kernels, one for each instruction set.
#pragma once

#include "engine/base/cpu.h"
#include "engine/kernels/bf16.h"
#include "engine/kernels/conv.h"
#include "engine/kernels/elementwise.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/matrix.h"
#include "engine/kernels/norm.h"
#include "engine/kernels/peak.h"
#include "engine/kernels/pool.h"
#include "engine/kernels/recurrent.h"
#include "engine/kernels/update.h"
#include "engine/kernels/winograd.h"

namespace firn {

/// Plain functions on memory. They know nothing of graphs, start no threads, allocate nothing and
/// throw nothing; what they require is checked by their callers. Sizes may be 0.
/// Memory that they read or write needs no alignment beyond its element's.
struct Kernels {
  Isa isa;
  const GemmKernels& gemm;
  const ConvKernels& conv;
  const PoolKernels& pool;
  const ElementwiseKernels& elementwise;
  const NormKernels& norm;
  const LossKernels& loss;
  const RecurrentKernels& recurrent;
  const UpdateKernels& update;
  const WinogradKernels& winograd;
  const PeakKernels& peak;
  const Bf16Kernels& bf16;
  const MatrixKernels& matrix;
};

/// The kernels of the set in force (`selected_isa`).
const Kernels& kernels();

/// The kernels of one set; throws Error(usage) when it is not available.
const Kernels& kernels(Isa isa);

}  // namespace firn
