// Compiled once for each instruction set, as is every file in this folder.
#include "engine/kernels/kernels.h"
#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

extern const GemmKernels gemm;
extern const ConvKernels conv;
extern const PoolKernels pool;
extern const ElementwiseKernels elementwise;
extern const NormKernels norm;
extern const LossKernels loss;
extern const RecurrentKernels recurrent;
extern const UpdateKernels update;
extern const WinogradKernels winograd;
extern const PeakKernels peak;
extern const Bf16Kernels bf16;
extern const MatrixKernels matrix;

extern const Kernels table;
const Kernels table{Isa::FIRN_ISA_SPACE, gemm,   conv,     pool, elementwise, norm,  loss,
                    recurrent,           update, winograd, peak, bf16,        matrix};

}  // namespace firn::FIRN_ISA_SPACE
