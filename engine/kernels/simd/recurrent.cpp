#include "engine/kernels/recurrent.h"

#include "engine/kernels/gemm.h"
#include "engine/kernels/simd/map.h"
#include "engine/kernels/simd/recurrent_product.h"
#include "engine/kernels/simd/transcendental.h"
#include "engine/kernels/simd/unit_rows.h"

namespace firn::FIRN_ISA_SPACE {

extern const GemmKernels gemm;

namespace {

Index packed_count(Index gates, Index h) {
  return unit_blocks(h) * panel_count(gates, h);
}

void pack(Index gates, Index h, const float* weight, float* packed) {
  for (Index u = 0; u < h; u += kLanes) {
    for (Index k = 0; k < h; ++k) {
      for (Index g = 0; g < gates; ++g, packed += kLanes) {
        store(packed, load_part(weight + (k * gates + g) * h + u, smaller(kLanes, h - u)));
      }
    }
  }
}

Index packed_transposed_count(Index gates, Index h) {
  return gemm.packed_count(gates * h, h);
}

void pack_transposed(Index gates, Index h, const float* weight, float* packed) {
  gemm.pack_transposed(gates * h, h, weight, gates * h, packed);
}

/// A sequence's steps in the order of time, and rows of scratch that are whole vectors.
struct Run {
  Index t, h, n;
  bool reverse;
  const std::int32_t* lengths;
  Index stride;  ///< of a row of h units in scratch

  Run(const RecurrentGeometry& g, Index rows, const std::int32_t* valid)
      : t(g.t), h(g.h), n(rows), reverse(g.reverse), lengths(valid), stride(unit_blocks(g.h) * kLanes) {}

  /// The place in memory of the s-th step.
  Index place(Index s) const { return reverse ? t - 1 - s : s; }
  bool valid(Index row, Index at) const { return lengths == nullptr || at < lengths[row]; }
  bool any_valid(Index first, Index rows, Index at) const {
    for (Index row = first; row < first + rows; ++row) {
      if (valid(row, at)) return true;
    }
    return false;
  }
};

/// A stride of scratch rows of `columns` numbers; rows a multiple of 4096 bytes apart would push each other
/// out of the cache.
Index apart(Index columns) {
  return (columns + kLanes - 1) / kLanes * kLanes + 16;
}

/// Finishes a block of units of the rows [first, first + rows): cell.update(row, at, u, lanes, products) or,
/// where the row has no such step, cell.skip(row, at, u, lanes).
template <int gates, class Cell>
void finish_rows(const Run& run, Index first, Index rows, Index at, Index u, const Vec* products,
                 const Cell& cell) {
  const auto finish = [&](auto lanes) {
    for (Index m = 0; m < rows; ++m) {
      if (run.valid(first + m, at)) {
        cell.update(first + m, at, u, lanes, products + m * gates);
      } else {
        cell.skip(first + m, at, u, lanes);
      }
    }
  };
  if (u + kLanes <= run.h) {
    finish(Whole{});
  } else {
    finish(Part{run.h - u});
  }
}

/// The products of the rows [first, first + rows) with one panel; meanwhile cell.prefetch(row, at, u) may
/// fetch what update will read.
template <int gates, class Cell>
void multiply_rows(const Run& run, Index first, Index rows, Index at, Index u, Index depth,
                   const float* packed, Vec* products, const Cell& cell) {
  constexpr Index kTile = tile_rows(gates);
  const float* const panel = packed + u / kLanes * panel_count(gates, run.h);
  const Index tiles = (rows + kTile - 1) / kTile;
  Index k = 0;
  do {
    const Index deep = smaller(kDepth, depth - k);
    for (Index tile = 0, m = 0; tile < tiles; ++tile) {
      const Index count = (rows - m) / (tiles - tile);
      for (Index i = 0; i < count && k == 0; ++i) cell.prefetch(first + m + i, at, u);
      ProductKernels<gates>::of_rows[count - 1](deep, cell.state + (first + m) * run.stride + k, run.stride,
                                                panel + k * gates * kLanes, k > 0, products + m * gates);
      m += count;
    }
    k += deep;
  } while (k < depth);
}

/// Runs the forward: at each step, for each block of units, the products of all rows and then their cells.
template <int gates, class Cell>
void run_forward(const Run& run, const float* packed, Cell& cell) {
  constexpr Index kRows = kTogether * tile_rows(gates);
  for (Index s = 0; s < run.t; ++s) {
    const Index at = run.place(s);
    for (Index u = 0; u < run.h; u += kLanes) {
      for (Index first = 0; first < run.n; first += kRows) {
        const Index rows = smaller(kRows, run.n - first);
        // The state before the first step is zero, and so is its product.
        const Index depth = s > 0 && run.any_valid(first, rows, at) ? run.h : 0;
        Vec products[kRows * gates];
        multiply_rows<gates>(run, first, rows, at, u, depth, packed, products, cell);
        finish_rows<gates>(run, first, rows, at, u, products, cell);
      }
    }
    float* const before = cell.state;
    cell.state = cell.next;
    cell.next = before;
  }
}

/// The same by a matrix unit: some rows at a time, all of their products and then their cells.
template <int gates, class Cell>
void run_forward(const Run& run, UnitRows& unit, Cell& cell) {
  for (Index s = 0; s < run.t; ++s) {
    const Index at = run.place(s);
    for (Index first = 0; first < run.n; first += kUnitBlock) {
      const Index rows = smaller(kUnitBlock, run.n - first);
      const float* const sums = unit.multiply(first, rows);
      for (Index u = 0; u < run.h; u += kLanes) {
        Vec products[kUnitBlock * gates];
        for (Index m = 0; m < rows; ++m) {
          for (Index g = 0; g < gates; ++g) {
            const float* const sum = sums + m * unit.stride() + g * run.h + u;
            products[m * gates + g] = load_part(sum, smaller(kLanes, run.h - u));
          }
        }
        finish_rows<gates>(run, first, rows, at, u, products, cell);
      }
      for (Index row = first; row < first + rows; ++row) unit.set(row, cell.next + row * run.stride);
    }
    float* const before = cell.state;
    cell.state = cell.next;
    cell.next = before;
  }
}

Index unit_scratch(Index gates, const RecurrentGeometry& g, Index n) {
  return larger(UnitRows::scratch(n, g.h, gates * g.h), UnitRows::scratch(n, gates * g.h, g.h));
}

Index lstm_scratch(const RecurrentGeometry& g, Index n) {
  // Forward: two hidden states and a cell; backward: dgates, dh and dc.
  return n * (apart(4 * g.h) + 2 * unit_blocks(g.h) * kLanes);
}

struct LstmCell {
  const Run& run;
  const float* pre;
  float* hidden;
  float* gates;
  float* cell;
  float* state;   ///< h of the step before
  float* next;    ///< h of this step
  float* memory;  ///< c

  void prefetch(Index row, Index at, Index u) const {
    const float* const p = pre + (row * run.t + at) * 4 * run.h + u;
    for (Index g = 0; g < 4; ++g) __builtin_prefetch(p + g * run.h);
  }

  template <class Lanes>
  void update(Index row, Index at, Index u, Lanes lanes, const Vec* products) const {
    const Index step = row * run.t + at;
    const Index own = row * run.stride + u;
    const float* const p = pre + step * 4 * run.h + u;
    const Vec i = sigmoid(products[0] + load(p, lanes));
    const Vec f = sigmoid(products[1] + load(p + run.h, lanes));
    const Vec g = tanh(products[2] + load(p + 2 * run.h, lanes));
    const Vec o = sigmoid(products[3] + load(p + 3 * run.h, lanes));
    const Vec c = f * load(memory + own) + i * g;
    const Vec h = o * tanh(c);
    store(memory + own, c);
    store(next + own, h);
    store(hidden + step * run.h + u, h, lanes);
    if (cell != nullptr) store(cell + step * run.h + u, c, lanes);
    if (gates != nullptr) {
      float* const kept = gates + step * 4 * run.h + u;
      store(kept, i, lanes);
      store(kept + run.h, f, lanes);
      store(kept + 2 * run.h, g, lanes);
      store(kept + 3 * run.h, o, lanes);
    }
  }

  template <class Lanes>
  void skip(Index row, Index at, Index u, Lanes lanes) const {
    const Index step = row * run.t + at;
    store(memory + row * run.stride + u, Vec{});
    store(next + row * run.stride + u, Vec{});
    store(hidden + step * run.h + u, Vec{}, lanes);
    if (cell != nullptr) store(cell + step * run.h + u, Vec{}, lanes);
    for (Index g = 0; g < 4 && gates != nullptr; ++g) store(gates + (step * 4 + g) * run.h + u, Vec{}, lanes);
  }
};

void lstm_forward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const float* pre,
                  RecurrentWeight weight, float* hidden, float* gates, float* cell, float* scratch) {
  const Run run(g, n, lengths);
  const Index size = n * run.stride;
  UnitRows unit(weight, n, g.h, 4 * g.h, scratch + lstm_scratch(g, n));
  zero_floats(3 * size, scratch);
  LstmCell lstm{run, pre, hidden, gates, cell, scratch, scratch + size, scratch + 2 * size};
  if (unit) {
    run_forward<4>(run, unit, lstm);
  } else {
    run_forward<4>(run, weight.packed, lstm);
  }
}

/// dh (n, stride) = (accumulate ? dh : 0) + dq (n, columns) * W_hh transposed
void multiply_transposed(const Run& run, Index columns, const float* dq, Index dq_stride, const float* packed,
                         bool accumulate, float* dh) {
  Gemm call;
  call.m = run.n;
  call.n = run.h;
  call.k = columns;
  call.a = dq;
  call.ams = dq_stride;
  call.b = packed;
  call.c = dh;
  call.ldc = run.stride;
  call.accumulate = accumulate;
  gemm.product(call);
}

/// The same by a matrix unit.
void multiply_transposed(const Run& run, const float* dq, Index dq_stride, UnitRows& unit, bool accumulate,
                         float* dh) {
  for (Index row = 0; row < run.n; ++row) unit.set(row, dq + row * dq_stride);
  for (Index first = 0; first < run.n; first += kUnitBlock) {
    const Index rows = smaller(kUnitBlock, run.n - first);
    const float* const sums = unit.multiply(first, rows);
    for (Index m = 0; m < rows; ++m) {
      float* const to = dh + (first + m) * run.stride;
      for_each_vector(run.h, [&](Index u, auto lanes) {
        const Vec sum = load(sums + m * unit.stride() + u, lanes);
        store(to + u, accumulate ? load(to + u, lanes) + sum : sum, lanes);
      });
    }
  }
}

void lstm_backward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const float* dhidden,
                   const float* gates, const float* cell, RecurrentWeight transposed, float* dpre,
                   float* scratch) {
  const Run run(g, n, lengths);
  const Index h = run.h;
  const Index dq_stride = apart(4 * h);
  float* const dq = scratch;
  float* const dh = dq + n * dq_stride;
  float* const dc = dh + n * run.stride;
  zero_floats(2 * n * run.stride, dh);
  UnitRows unit(transposed, n, 4 * h, h, scratch + lstm_scratch(g, n));
  for (Index s = run.t - 1; s >= 0; --s) {
    const Index at = run.place(s);
    for (Index row = 0; row < n; ++row) {
      const Index step = row * run.t + at;
      float* const d = dpre + step * 4 * h;
      float* const copy = dq + row * dq_stride;
      if (!run.valid(row, at)) {
        zero_floats(4 * h, d);
        zero_floats(4 * h, copy);
        zero_floats(h, dc + row * run.stride);
        continue;
      }
      const float* const gate = gates + step * 4 * h;
      const float* const before = s > 0 ? cell + (row * run.t + run.place(s - 1)) * h : nullptr;
      for_each_vector(h, [&](Index u, auto lanes) {
        const Vec i = load(gate + u, lanes);
        const Vec f = load(gate + h + u, lanes);
        const Vec z = load(gate + 2 * h + u, lanes);
        const Vec o = load(gate + 3 * h + u, lanes);
        const Vec c0 = before != nullptr ? load(before + u, lanes) : Vec{};
        const Vec out = tanh(load(cell + step * h + u, lanes));
        const Vec dhu = load(dh + row * run.stride + u, lanes) + load(dhidden + step * h + u, lanes);
        const Vec dcu = load(dc + row * run.stride + u, lanes) + dhu * o * (1 - out * out);
        store(dc + row * run.stride + u, dcu * f, lanes);
        const Vec result[] = {dcu * z * (i * (1 - i)), dcu * c0 * (f * (1 - f)), dcu * i * (1 - z * z),
                              dhu * out * (o * (1 - o))};
        for (Index k = 0; k < 4; ++k) {
          store(d + k * h + u, result[k], lanes);
          store(copy + k * h + u, result[k], lanes);
        }
      });
    }
    if (s == 0) break;
    if (unit) {
      multiply_transposed(run, dq, dq_stride, unit, false, dh);
    } else {
      multiply_transposed(run, 4 * h, dq, dq_stride, transposed.packed, false, dh);
    }
  }
}

Index gru_scratch(const RecurrentGeometry& g, Index n) {
  // Forward: two hidden states; backward: dq and dh.
  return n * (apart(3 * g.h) + unit_blocks(g.h) * kLanes);
}

struct GruCell {
  const Run& run;
  const float* pre;
  const float* bias;
  float* hidden;
  float* gates;
  float* state;  ///< h of the step before
  float* next;   ///< h of this step

  void prefetch(Index row, Index at, Index u) const {
    const float* const p = pre + (row * run.t + at) * 3 * run.h + u;
    for (Index g = 0; g < 3; ++g) __builtin_prefetch(p + g * run.h);
  }

  template <class Lanes>
  void update(Index row, Index at, Index u, Lanes lanes, const Vec* products) const {
    const Index step = row * run.t + at;
    const Index own = row * run.stride + u;
    const float* const p = pre + step * 3 * run.h + u;
    const float* const b = bias + u;
    const Vec r = sigmoid(load(p, lanes) + (products[0] + load(b, lanes)));
    const Vec z = sigmoid(load(p + run.h, lanes) + (products[1] + load(b + run.h, lanes)));
    const Vec recurrent_part = products[2] + load(b + 2 * run.h, lanes);
    const Vec candidate = tanh(load(p + 2 * run.h, lanes) + r * recurrent_part);
    const Vec h = (1 - z) * candidate + z * load(state + own);
    store(next + own, h);
    store(hidden + step * run.h + u, h, lanes);
    if (gates == nullptr) return;
    float* const kept = gates + step * 4 * run.h + u;
    store(kept, r, lanes);
    store(kept + run.h, z, lanes);
    store(kept + 2 * run.h, candidate, lanes);
    store(kept + 3 * run.h, recurrent_part, lanes);
  }

  template <class Lanes>
  void skip(Index row, Index at, Index u, Lanes lanes) const {
    const Index step = row * run.t + at;
    store(next + row * run.stride + u, Vec{});
    store(hidden + step * run.h + u, Vec{}, lanes);
    for (Index g = 0; g < 4 && gates != nullptr; ++g) store(gates + (step * 4 + g) * run.h + u, Vec{}, lanes);
  }
};

void gru_forward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const float* pre,
                 RecurrentWeight weight, const float* bias, float* hidden, float* gates, float* scratch) {
  const Run run(g, n, lengths);
  const Index size = n * run.stride;
  UnitRows unit(weight, n, g.h, 3 * g.h, scratch + gru_scratch(g, n));
  zero_floats(2 * size, scratch);
  GruCell gru{run, pre, bias, hidden, gates, scratch, scratch + size};
  if (unit) {
    run_forward<3>(run, unit, gru);
  } else {
    run_forward<3>(run, weight.packed, gru);
  }
}

void gru_backward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const float* dhidden,
                  const float* hidden, const float* gates, RecurrentWeight transposed, float* dpre, float* dq,
                  float* scratch) {
  const Run run(g, n, lengths);
  const Index h = run.h;
  const Index copy_stride = apart(3 * h);
  float* const copies = scratch;
  float* const dh = copies + n * copy_stride;
  zero_floats(n * run.stride, dh);
  UnitRows unit(transposed, n, 3 * h, h, scratch + gru_scratch(g, n));
  for (Index s = run.t - 1; s >= 0; --s) {
    const Index at = run.place(s);
    for (Index row = 0; row < n; ++row) {
      const Index step = row * run.t + at;
      float* const dp = dpre + step * 3 * h;
      float* const d = dq + step * 3 * h;
      float* const copy = copies + row * copy_stride;
      if (!run.valid(row, at)) {
        zero_floats(3 * h, dp);
        zero_floats(3 * h, d);
        zero_floats(3 * h, copy);
        zero_floats(h, dh + row * run.stride);
        continue;
      }
      const float* const gate = gates + step * 4 * h;
      const float* const before = s > 0 ? hidden + (row * run.t + run.place(s - 1)) * h : nullptr;
      for_each_vector(h, [&](Index u, auto lanes) {
        const Vec r = load(gate + u, lanes);
        const Vec z = load(gate + h + u, lanes);
        const Vec candidate = load(gate + 2 * h + u, lanes);
        const Vec recurrent_part = load(gate + 3 * h + u, lanes);
        const Vec h0 = before != nullptr ? load(before + u, lanes) : Vec{};
        const Vec dhu = load(dh + row * run.stride + u, lanes) + load(dhidden + step * h + u, lanes);
        const Vec dn = dhu * (1 - z) * (1 - candidate * candidate);
        const Vec dr = dn * recurrent_part * (r * (1 - r));
        const Vec dz = dhu * (h0 - candidate) * (z * (1 - z));
        store(dh + row * run.stride + u, dhu * z, lanes);
        store(dp + u, dr, lanes);
        store(dp + h + u, dz, lanes);
        store(dp + 2 * h + u, dn, lanes);
        const Vec result[] = {dr, dz, dn * r};
        for (Index k = 0; k < 3; ++k) {
          store(d + k * h + u, result[k], lanes);
          store(copy + k * h + u, result[k], lanes);
        }
      });
    }
    if (s == 0) break;
    if (unit) {
      multiply_transposed(run, copies, copy_stride, unit, true, dh);
    } else {
      multiply_transposed(run, 3 * h, copies, copy_stride, transposed.packed, true, dh);
    }
  }
}

}  // namespace

extern const RecurrentKernels recurrent;
const RecurrentKernels recurrent{packed_count,    pack,         packed_transposed_count,
                                 pack_transposed, lstm_scratch, lstm_forward,
                                 lstm_backward,   gru_scratch,  gru_forward,
                                 gru_backward,    unit_scratch};

}  // namespace firn::FIRN_ISA_SPACE
