// The one inner loop of every product: a batch-reduce GEMM on a tile that stays in registers
// (Georganas et al. 2020, "Harnessing deep learning via a single building block").
#pragma once

#include "engine/kernels/gemm.h"
#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

/// Columns of a panel of packed B, in vectors. A panel whose columns fit into one vector is one vector wide.
inline constexpr Index kPanelVectors = 2;
inline constexpr Index kPanel = kPanelVectors * kLanes;

/// The most rows of a tile that is one or two vectors wide: accumulators, B's vectors and one of A
/// fill the registers.
#if defined(__AVX512F__)
inline constexpr Index kRows[] = {28, 14};
#elif defined(__aarch64__)
inline constexpr Index kRows[] = {24, 12};
#else
inline constexpr Index kRows[] = {12, 6};
#endif

/// Vectors that `columns` > 0 columns at the start of a panel need.
constexpr Index panel_vectors(Index columns) {
  return columns > kLanes ? 2 : 1;
}

/// C[m,n] = epilogue( (accumulate ? C[m,n] : 0) + sum over o, i, k of A[o,i,m,k] * B[(o*inner + i)*k_count +
/// k, n] ) with A[o,i,m,k] = a[o*outer_stride + i*inner_stride + m*ams + k*aks]. B's rows are whole vectors,
/// readable beyond `columns`. The epilogue's pointers begin at the tile's first element;
/// an activation that `activates_late` is ignored.
struct Tile {
  const float* a;
  Index ams, aks;
  Index k, inner, inner_stride, outer, outer_stride;
  const float* b;
  Index ldb;
  float* c;
  Index ldc;
  Index columns;
  bool accumulate;
  bool far;  ///< B comes from beyond the first-level cache: its rows are fetched ahead
  Epilogue epilogue;
};

/// Elements of B that stay in the first-level cache beside the rows of A.
inline constexpr Index kNearElements = 6 * 1024;

/// Runs a tile of `rows` in [1, kRows[panel_vectors(columns) - 1]].
void run_tile(Index rows, const Tile& tile);

/// Rows [first, first + k) of a matrix B of `rows` rows and n columns, as packed panels: panel p begins at
/// packed + p * kPanel * rows and its columns beyond n are zero. B[first + k, n] = b[k*bks + n*bns], where
/// one of bks and bns is 1.
void pack_rows(Index rows, Index first, Index k, Index n, const float* b, Index bks, Index bns,
               float* packed);

/// Elements of a packed matrix of `rows` rows and n columns.
constexpr Index packed_elements(Index rows, Index n) {
  return rows * ((n + kLanes - 1) / kLanes * kLanes);
}

/// True for what run_tile's epilogue leaves to `activate_rows`.
constexpr bool activates_late(Activation a) {
  return a != Activation::none && a != Activation::relu && a != Activation::leaky_relu;
}
/// The epilogue as a tile wants it that begins `at` elements behind the output's first, in column j.
static inline Epilogue epilogue_at(const Epilogue& e, Index at, Index j) {
  Epilogue r = e;
  if (e.scale != nullptr) r.scale += j;
  if (e.shift != nullptr) r.shift += j;
  if (e.residual != nullptr) r.residual += at;
  return r;
}

/// Applies a late activation to rows of n finished elements; does nothing where there is none.
void activate_rows(const Epilogue& epilogue, Index rows, Index n, float* c, Index ldc);

/// Splits `count` rows into equal tiles of at most `most` and calls f(first, rows) for each.
template <class F>
static inline void for_each_tile(Index count, Index most, const F& f) {
  const Index tiles = (count + most - 1) / most;
  for (Index t = 0, first = 0; t < tiles; ++t) {
    const Index rows = (count - first) / (tiles - t);
    f(first, rows);
    first += rows;
  }
}

}  // namespace firn::FIRN_ISA_SPACE
