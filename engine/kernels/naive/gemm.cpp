#include "engine/kernels/gemm.h"

#include "engine/kernels/naive/epilogue.h"

namespace firn::naive {

namespace {

Index packed_count(Index k, Index n) {
  return k * n;
}

void pack(Index k, Index n, const real* b, Index ldb, real* packed) {
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < n; ++j) packed[i * n + j] = b[i * ldb + j];
  }
}

void pack_transposed(Index k, Index n, const real* t, Index ldt, real* packed) {
  for (Index i = 0; i < k; ++i) {
    for (Index j = 0; j < n; ++j) packed[i * n + j] = t[j * ldt + i];
  }
}

void product(const Gemm& call) {
  const Index ldb = call.ldb != 0 ? call.ldb : call.n;
  for (Index i = 0; i < call.m; ++i) {
    real* c = call.c + i * call.ldc;
    if (!call.accumulate) {
      for (Index j = 0; j < call.n; ++j) c[j] = 0;
    }
    for (Index p = 0; p < call.k; ++p) {
      const real a = call.a[i * call.ams + p * call.aks];
      const real* b = call.b + p * ldb;
      for (Index j = 0; j < call.n; ++j) c[j] += a * b[j];
    }
    finish_row(call.epilogue, i * call.ldc, call.n, c);
  }
}

void column_sum(Index m, Index n, const real* x, Index ldx, real* out, bool accumulate) {
  if (!accumulate) {
    for (Index j = 0; j < n; ++j) out[j] = 0;
  }
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < n; ++j) out[j] += x[i * ldx + j];
  }
}

}  // namespace

extern const GemmKernels gemm;
const GemmKernels gemm{packed_count, pack, pack_transposed, product, column_sum};

}  // namespace firn::naive
