#include "engine/kernels/gemm.h"

#include "engine/kernels/elementwise.h"
#include "engine/kernels/simd/tile.h"
#include "engine/kernels/simd/transpose.h"

namespace firn::FIRN_ISA_SPACE {

extern const ElementwiseKernels elementwise;

namespace {

using TileKernel = void (*)(const Tile&);

template <int NV, bool far, int... rows>
struct TileTable {
  static constexpr TileKernel kernels[] = {tile_kernel<rows, NV, far>...};
};

template <int NV, bool far, int last, int... rows>
struct TilesUpTo : TilesUpTo<NV, far, last - 1, last, rows...> {};
template <int NV, bool far, int... rows>
struct TilesUpTo<NV, far, 0, rows...> : TileTable<NV, far, rows...> {};

/// Sums over k run within blocks of at most so many terms, whatever the tiles: their lengths are part of a
/// product's bits.
constexpr Index kDepth = 256;
/// Rows of A that go through a panel of B one tile after the other: they stay in the second-level cache.
constexpr Index kBlockRows = 336;
/// True where a panel of one block's depth stays in the first-level cache beside A's rows: then all tiles go
/// through it before the next block. Else each tile adds up all of its blocks, and B's rows are fetched
/// ahead.
constexpr bool kPanelStays = kDepth * kPanel <= kNearElements;
/// Rows of A that are copied together where their stride crowds the cache, and the stride of the copy.
constexpr Index kCopyRows = 56;
constexpr Index kCopyStride = kDepth + kLanes;

/// A tile's rows so far apart fall into the same few cache sets and push each other out; so do a panel's.
constexpr bool crowds_cache(Index stride) {
  return stride != 0 && stride % 1024 == 0;
}
constexpr bool panel_crowds_cache(Index stride) {
  return stride != 0 && stride % 256 == 0;
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

/// The blocks of sums over k that a product is cut into: `shorter` of them `least` terms long, then those of
/// one more.
struct Depths {
  Index count, least, shorter;

  explicit constexpr Depths(Index k)
      : count(larger(1, (k + kDepth - 1) / kDepth)), least(k / count), shorter(count - k % count) {}
  constexpr Index begin(Index d) const { return least * d + larger(0, d - shorter); }
};

/// Rows [i0, i0 + rows) of a product, blocks [first, last) of its sums.
struct Block {
  Index i0, rows, first, last;
};

/// Multiplies the rows of a block with one panel of B.
class PanelProduct {
 public:
  PanelProduct(const Gemm& g, const Depths& depths, const Block& block, Index column)
      : g_(g), depths_(depths), i0_(block.i0), column_(column) {
    tile_.inner = tile_.outer = 1;
    tile_.ldc = g.ldc;
    tile_.aks = g.aks;
    tile_.columns = smaller(g.n - column, kPanel);
    tile_.far = !kPanelStays && g.k * kPanel > kNearElements;
  }

  /// A's first row at k = `from`, with rows `ams` apart.
  void left(const float* a, Index ams, Index from) {
    a_ = a - from * g_.aks;
    tile_.ams = ams;
  }
  /// The panel's row k = `from`.
  void right(const float* b, Index ldb, Index from) {
    b_ = b - from * ldb;
    tile_.ldb = ldb;
  }

  /// What follows is the block d of the sums.
  void deepen(Index d) {
    const Index k0 = depths_.begin(d);
    tile_.k = depths_.begin(d + 1) - k0;
    tile_.b = b_ + k0 * tile_.ldb;
    tile_.accumulate = g_.accumulate || d > 0;
    a_here_ = a_ + k0 * tile_.aks;
    last_ = d == depths_.count - 1;
    if (!last_) tile_.epilogue = Epilogue{};
  }
  /// The tile of rows [first, first + rows) of the block.
  __attribute__((always_inline)) void run(Index first, Index rows) {
    const Index at = (i0_ + first) * g_.ldc + column_;
    tile_.a = a_here_ + first * tile_.ams;
    tile_.c = g_.c + at;
    if (last_) tile_.epilogue = epilogue_at(g_.epilogue, at, column_);
    run_tile(rows, tile_);
  }

  Index vectors() const { return panel_vectors(tile_.columns); }
  Index columns() const { return tile_.columns; }

 private:
  const Gemm& g_;
  const Depths& depths_;
  Index i0_, column_;
  Tile tile_{};
  const float *a_ = nullptr, *b_ = nullptr;  ///< at k = 0
  const float* a_here_ = nullptr;            ///< at the block's first k
  bool last_ = false;
};

void multiply_block(const Gemm& g, const Depths& depths, const Block& block) {
  alignas(64) float a_copy[kCopyRows * kCopyStride];
  alignas(64) float b_copy[kDepth * kPanel];
  const Index k0 = depths.begin(block.first), depth = depths.begin(block.last) - k0;
  const float* a = g.a + block.i0 * g.ams + k0 * g.aks;
  Index ams = g.ams;
  if (g.aks == 1 && crowds_cache(g.ams) && block.rows <= kCopyRows && depth <= kDepth && depth >= kLanes) {
    for (Index i = 0; i < block.rows; ++i) copy_floats(depth, a + i * g.ams, a_copy + i * kCopyStride);
    a = a_copy;
    ams = kCopyStride;
  }
  for (Index j = 0; j < g.n; j += kPanel) {
    PanelProduct panel(g, depths, block, j);
    panel.left(a, ams, k0);
    const Index width = panel.vectors() * kLanes, most = kRows[panel.vectors() - 1];
    if (g.ldb != 0 && (panel.columns() < width || (block.rows > kCopyRows && panel_crowds_cache(g.ldb)))) {
      for (Index d = block.first; d < block.last; ++d) {
        const Index from = depths.begin(d), deep = depths.begin(d + 1) - from;
        pack_rows(deep, 0, deep, panel.columns(), g.b + from * g.ldb + j, g.ldb, 1, b_copy);
        panel.right(b_copy, width, from);
        panel.deepen(d);
        for_each_tile(block.rows, most, [&](Index first, Index rows) { panel.run(first, rows); });
      }
      continue;
    }
    if (g.ldb == 0) {
      panel.right(g.b + j * g.k, width, 0);
    } else {
      panel.right(g.b + j, g.ldb, 0);
    }
    const bool one = block.last - block.first == 1;
    if (one) panel.deepen(block.first);
    for_each_tile(block.rows, most, [&](Index first, Index rows) {
      if (one) return panel.run(first, rows);
      for (Index d = block.first; d < block.last; ++d) {
        panel.deepen(d);
        panel.run(first, rows);
      }
    });
  }
}

void product(const Gemm& g) {
  if (g.n <= 0) return;
  const Index most = kRows[panel_vectors(g.n) - 1], tiles = (g.m + most - 1) / most;
  const Depths depths(g.k);
  const bool copies = g.aks == 1 && crowds_cache(g.ams);
  for_each_tile(tiles, (copies ? kCopyRows : kBlockRows) / most, [&](Index tile, Index some) {
    const Index i0 = tile * g.m / tiles, rows = (tile + some) * g.m / tiles - i0;
    if (copies || kPanelStays) {
      for (Index d = 0; d < depths.count; ++d) multiply_block(g, depths, {i0, rows, d, d + 1});
    } else {
      multiply_block(g, depths, {i0, rows, 0, depths.count});
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
  if (tile.columns <= kLanes) {
    TilesUpTo<1, false, kRows[0]>::kernels[rows - 1](tile);
  } else if (tile.far) {
    TilesUpTo<2, true, kRows[1]>::kernels[rows - 1](tile);
  } else {
    TilesUpTo<2, false, kRows[1]>::kernels[rows - 1](tile);
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
