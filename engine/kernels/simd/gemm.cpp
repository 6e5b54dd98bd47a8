#include "engine/kernels/gemm.h"

#include "engine/kernels/elementwise.h"
#include "engine/kernels/simd/tile.h"
#include "engine/kernels/simd/transpose.h"

namespace firn::FIRN_ISA_SPACE {

extern const ElementwiseKernels elementwise;

namespace {

using TileKernel = void (*)(const Tile&);

template <int NV, int... rows>
struct TileTable {
  static constexpr TileKernel kernels[] = {tile_kernel<rows, NV>...};
};

template <int NV, int last, int... rows>
struct TilesUpTo : TilesUpTo<NV, last - 1, last, rows...> {};
template <int NV, int... rows>
struct TilesUpTo<NV, 0, rows...> : TileTable<NV, rows...> {};

/// Rows of A and depth of a block: a panel of B stays in the first-level cache, a block of A in the second.
constexpr Index kBlockRows = 336;
constexpr Index kDepth = 256;
/// Rows of A that are copied together where their stride crowds the cache, and the stride of the copy.
constexpr Index kCopyRows = 56;
constexpr Index kCopyStride = kDepth + kLanes;

/// Rows so far apart fall into the same few cache sets and push each other out.
constexpr bool crowds_cache(Index stride) {
  return stride != 0 && stride % 512 == 0;
}

Index packed_count(Index k, Index n) {
  return packed_elements(k, n);
}

void pack(Index k, Index n, const real* b, Index ldb, real* packed) {
  pack_rows(k, 0, k, n, b, ldb, 1, packed);
}

void pack_transposed(Index k, Index n, const real* t, Index ldt, real* packed) {
  pack_rows(k, 0, k, n, t, 1, ldt, packed);
}

/// Rows [i0, i0 + rows) of a product, from k0 on `depth` deep.
struct Block {
  Index i0, rows, k0, depth;
  bool first, last;  ///< along k
};

void multiply_block(const Gemm& g, const Block& block) {
  alignas(64) float a_copy[kCopyRows * kCopyStride];
  alignas(64) float b_copy[kDepth * kPanel];
  Tile t{};
  t.a = g.a + block.i0 * g.ams + block.k0 * g.aks;
  t.ams = g.ams;
  t.aks = g.aks;
  if (block.rows <= kCopyRows && block.depth >= kLanes && g.aks == 1 && crowds_cache(g.ams)) {
    for (Index i = 0; i < block.rows; ++i)
      copy_floats(block.depth, t.a + i * g.ams, a_copy + i * kCopyStride);
    t.a = a_copy;
    t.ams = kCopyStride;
  }
  t.k = block.depth;
  t.inner = t.outer = 1;
  t.ldc = g.ldc;
  t.accumulate = g.accumulate || !block.first;
  const float* const a0 = t.a;
  for (Index j = 0; j < g.n; j += kPanel) {
    t.columns = smaller(g.n - j, kPanel);
    const Index width = panel_vectors(t.columns) * kLanes;
    if (g.ldb == 0) {
      t.b = g.b + j * g.k + block.k0 * width;
      t.ldb = width;
    } else {
      t.b = g.b + block.k0 * g.ldb + j;
      t.ldb = g.ldb;
      if (t.columns < width || (block.rows > kCopyRows && crowds_cache(g.ldb))) {
        pack_rows(block.depth, 0, block.depth, t.columns, t.b, g.ldb, 1, b_copy);
        t.b = b_copy;
        t.ldb = width;
      }
    }
    for_each_tile(block.rows, kRows[panel_vectors(t.columns) - 1], [&](Index first, Index rows) {
      const Index at = (block.i0 + first) * g.ldc + j;
      t.a = a0 + first * t.ams;
      t.c = g.c + at;
      if (block.last) t.epilogue = epilogue_at(g.epilogue, at, j);
      run_tile(rows, t);
    });
  }
}

void product(const Gemm& g) {
  if (g.n <= 0) return;
  const bool copies = g.aks == 1 && crowds_cache(g.ams);
  const Index depths = larger(1, (g.k + kDepth - 1) / kDepth);
  for_each_tile(g.m, copies ? kCopyRows : kBlockRows, [&](Index i0, Index rows) {
    Index k0 = 0;
    for (Index t = 0; t < depths; ++t) {
      const Index depth = (g.k - k0) / (depths - t);
      multiply_block(g, {i0, rows, k0, depth, t == 0, t == depths - 1});
      k0 += depth;
    }
    activate_rows(g.epilogue, rows, g.n, g.c + i0 * g.ldc, g.ldc);
  });
}

/// to[i*ldt + v] = b[i + v*ldb] for depth <= kLanes of i and columns <= kLanes of v; zero for the v up to
/// kLanes.
void transpose_block(Index depth, Index columns, const float* b, Index ldb, float* to, Index ldt) {
  Vec z[kLanes];
#pragma GCC unroll 16
  for (int v = 0; v < kLanes; ++v) {
    z[v] = v >= columns ? Vec{} : depth == kLanes ? load(b + v * ldb) : load_part(b + v * ldb, depth);
  }
  transpose_blocks<int{kLanes}>(z);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i < depth) store(to + i * ldt, z[i]);
  }
}

/// A panel of NV vectors; four sums a column, so that the additions need not wait for each other.
template <int NV, class Load>
void sum_panel(Index m, const float* x, Index ldx, float* out, bool accumulate, Index columns,
               const Load& load_at) {
  Vec sum[4][NV] = {};
  Index i = 0;
  for (; i + 4 <= m; i += 4) {
    for (Index r = 0; r < 4; ++r) {
      for (int v = 0; v < NV; ++v) sum[r][v] += load_at(x + (i + r) * ldx + v * kLanes);
    }
  }
  for (; i < m; ++i) {
    for (int v = 0; v < NV; ++v) sum[0][v] += load_at(x + i * ldx + v * kLanes);
  }
  for (int v = 0; v < NV; ++v) {
    const Vec total = (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]);
    float* const to = out + v * kLanes;
    store_part(to, accumulate ? load_at(to) + total : total, columns);
  }
}

void column_sum(Index m, Index n, const real* x, Index ldx, real* out, bool accumulate) {
  const auto whole = [](const float* p) { return load(p); };
  Index j = 0;
  for (; j + kPanel <= n; j += kPanel) sum_panel<2>(m, x + j, ldx, out + j, accumulate, kLanes, whole);
  for (; j + kLanes <= n; j += kLanes) sum_panel<1>(m, x + j, ldx, out + j, accumulate, kLanes, whole);
  const Index rest = n - j;
  if (rest == 0) return;
  sum_panel<1>(m, x + j, ldx, out + j, accumulate, rest,
               [rest](const float* p) { return load_part(p, rest); });
}

}  // namespace

void run_tile(Index rows, const Tile& tile) {
  if (tile.columns > kLanes) {
    TilesUpTo<2, kRows[1]>::kernels[rows - 1](tile);
  } else {
    TilesUpTo<1, kRows[0]>::kernels[rows - 1](tile);
  }
}

void pack_rows(Index rows, Index first, Index k, Index n, const float* b, Index bks, Index bns,
               float* packed) {
  for (Index j = 0; j < n; j += kPanel) {
    const Index columns = smaller(n - j, kPanel), width = panel_vectors(columns) * kLanes;
    float* const panel = packed + j * rows + first * width;
    if (bns == 1) {
      for (Index i = 0; i < k; ++i) {
        for (Index v = 0; v < width; v += kLanes) {
          const float* const from = b + i * bks + j + v;
          store(panel + i * width + v, v + kLanes <= columns ? load(from) : load_part(from, columns - v));
        }
      }
      continue;
    }
    for (Index i = 0; i < k; i += kLanes) {
      for (Index v = 0; v < width; v += kLanes) {
        transpose_block(smaller(kLanes, k - i), smaller(kLanes, columns - v), b + i + (j + v) * bns, bns,
                        panel + i * width + v, width);
      }
    }
  }
}

void activate_rows(const Epilogue& epilogue, Index rows, Index n, float* c, Index ldc) {
  if (!activates_late(epilogue.activation)) return;
  if (ldc == n) {
    elementwise.activate(epilogue.activation, epilogue.slope, rows * n, c, c);
    return;
  }
  for (Index i = 0; i < rows; ++i) {
    elementwise.activate(epilogue.activation, epilogue.slope, n, c + i * ldc, c + i * ldc);
  }
}

extern const GemmKernels gemm;
const GemmKernels gemm{packed_count, pack, pack_transposed, product, column_sum};

}  // namespace firn::FIRN_ISA_SPACE
