// Matrix products: the one micro-kernel family that dense, convolution and recurrent layers use.
#pragma once

#include "engine/base/real.h"
#include "engine/kernels/activation.h"

namespace firn {

/// What happens to a finished element z of column n on its way to memory:
/// y = activation(z * scale[n] + shift[n] + residual). A null pointer leaves its term out.
struct Epilogue {
  const real* scale = nullptr;     ///< (N)
  const real* shift = nullptr;     ///< (N): bias, or a batch norm's shift
  const real* residual = nullptr;  ///< laid out as the output, which it must not overlap
  Activation activation = Activation::none;
  real slope = 0;  ///< of leaky_relu and hard_sigmoid; where relu_to ends
};

/// C[m,n] = epilogue( (accumulate ? C[m,n] : 0) + sum_k A[m*ams + k*aks] * B[k,n] ).
/// B is either packed (`pack`, `pack_transposed`) or plain rows (then `ldb` is its row stride).
/// k = 0 gives the epilogue of zero. The sum runs over k in ascending order within fixed blocks:
/// the bits of a row of C do not depend on m.
struct Gemm {
  Index m = 0, n = 0, k = 0;
  const real* a = nullptr;
  Index ams = 0, aks = 1;
  const real* b = nullptr;
  Index ldb = 0;  ///< 0: b is packed
  real* c = nullptr;
  Index ldc = 0;
  bool accumulate = false;
  Epilogue epilogue;
};

struct GemmKernels {
  /// Elements that `pack` writes for a (k,n) matrix: panels of a fixed width, the last one padded with zeros.
  Index (*packed_count)(Index k, Index n);
  /// packed = B, from B[k*ldb + n].
  void (*pack)(Index k, Index n, const real* b, Index ldb, real* packed);
  /// packed = B, from its transpose T: B[k,n] = t[n*ldt + k].
  void (*pack_transposed)(Index k, Index n, const real* t, Index ldt, real* packed);
  void (*product)(const Gemm& call);
  /// out[n] = (accumulate ? out[n] : 0) + sum_m x[m*ldx + n]
  void (*column_sum)(Index m, Index n, const real* x, Index ldx, real* out, bool accumulate);
};

}  // namespace firn
