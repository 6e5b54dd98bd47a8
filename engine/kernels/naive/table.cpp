// The plain loops, kept as truth: what every fast kernel must equal.
#include "engine/kernels/kernels.h"

namespace firn::naive {

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
const Kernels table{Isa::naive, gemm,   conv,     pool, elementwise, norm,  loss,
                    recurrent,  update, winograd, peak, bf16,        matrix};

}  // namespace firn::naive
