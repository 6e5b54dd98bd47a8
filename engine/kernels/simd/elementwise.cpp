#include "engine/kernels/elementwise.h"

#include "engine/kernels/simd/activations.h"
#include "engine/kernels/simd/map.h"
#include "engine/kernels/simd/philox.h"
#include "engine/kernels/simd/transpose.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

void activate(Activation a, float slope, Index count, const float* x, float* y) {
  with_rule(a, [&](auto rule) {
    map(
        count, y, [&](Vec v) { return rule.forward(v, slope); }, x);
  });
}

void activate_gradient(Activation a, float slope, Index count, const float* kept, const float* dy,
                       float* dx) {
  with_rule(a, [&](auto rule) {
    map(
        count, dx, [&](Vec k, Vec d) { return rule.derivative(k, slope) * d; }, kept, dy);
  });
}

void add(Index count, const float* x1, const float* x2, float* y) {
  map(
      count, y, [](Vec a, Vec b) { return a + b; }, x1, x2);
}

void multiply(Index count, const float* x1, const float* x2, float* y) {
  map(
      count, y, [](Vec a, Vec b) { return a * b; }, x1, x2);
}

void axpby(Index count, float alpha, const float* x, float beta, float* y) {
  if (beta == 0) {
    map(
        count, y, [&](Vec a) { return alpha * a; }, x);
  } else {
    map(
        count, y, [&](Vec a, Vec b) { return alpha * a + beta * b; }, x, y);
  }
}

void add_row(Index rows, Index columns, const float* x, const float* bias, float* y) {
  for (Index r = 0; r < rows; ++r) add(columns, x + r * columns, bias, y + r * columns);
}

float sum(Index count, const float* x) {
  return static_cast<float>(sum_vectors(count, [&](Index i, auto lanes) { return load(x + i, lanes); }));
}

typedef double VecDouble __attribute__((vector_size(FIRN_LANES * 4)));
typedef float VecHalf __attribute__((vector_size(FIRN_LANES * 2)));
typedef float VecHalfUnaligned __attribute__((vector_size(FIRN_LANES * 2), aligned(4)));

/// Every square in double: a float's may overflow.
double sum_squares(Index count, const float* x) {
  constexpr Index kHalf = kLanes / 2;
  VecDouble total[4] = {};
  Index i = 0;
  for (; i + 4 * kHalf <= count; i += 4 * kHalf) {
    for (Index v = 0; v < 4; ++v) {
      const VecHalf part = *reinterpret_cast<const VecHalfUnaligned*>(x + i + v * kHalf);
      const VecDouble d = __builtin_convertvector(part, VecDouble);
      total[v] += d * d;
    }
  }
  double rest = 0;
  for (; i < count; ++i) rest += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const VecDouble all = (total[0] + total[1]) + (total[2] + total[3]);
  for (Index v = 0; v < kHalf; ++v) rest += all[v];
  return rest;
}

void reduce_parts(Index parts_count, Index stride, Index count, const float* parts, float* out,
                  bool accumulate) {
  // Four vectors at a time: each part is then read in whole cache lines.
  constexpr Index kStrip = 4 * kLanes;
  Index i = 0;
  for (; i + kStrip <= count; i += kStrip) {
    Vec total[4] = {};
    for (Index v = 0; v < 4 && accumulate; ++v) total[v] = load(out + i + v * kLanes);
    for (Index p = 0; p < parts_count; ++p) {
      for (Index v = 0; v < 4; ++v) total[v] += load(parts + p * stride + i + v * kLanes);
    }
    for (Index v = 0; v < 4; ++v) store(out + i + v * kLanes, total[v]);
  }
  for_each_vector(count - i, [&](Index j, auto lanes) {
    Vec total = accumulate ? load(out + i + j, lanes) : Vec{};
    for (Index p = 0; p < parts_count; ++p) total += load(parts + p * stride + i + j, lanes);
    store(out + i + j, total, lanes);
  });
}

void dropout(Index count, std::uint64_t first, float p, std::array<std::uint32_t, 2> key, std::uint64_t step,
             const float* x, float* y) {
  // word >= p * 2^32 is word >= the next whole number, for p < 1 a 32-bit one.
  const double exact = static_cast<double>(p) * 0x1p32;
  const auto below = static_cast<std::uint32_t>(exact);
  const std::uint32_t threshold = below + (static_cast<double>(below) < exact ? 1 : 0);
  const float kept = 1 - p;
  // The first counter may begin before the range.
  std::uint64_t counter = first / 4;
  for (Index i = -static_cast<Index>(first % 4); i < count; counter += kCounters) {
    VecWord words[2];
    philox_words(counter, step, __builtin_bit_cast(PhiloxKey, key), words);
    for (int v = 0; v < 2; ++v, i += kLanes) {
      const VecInt keeps = words[v] >= threshold;
      if (i >= 0 && i + kLanes <= count) {
        store(y + i, keeps ? load(x + i) / kept : Vec{});
        continue;
      }
      for (Index lane = 0; lane < kLanes; ++lane) {
        if (i + lane >= 0 && i + lane < count) y[i + lane] = keeps[lane] != 0 ? x[i + lane] / kept : 0;
      }
    }
  }
}

void gather(Index rows, Index columns, const float* table, const std::int32_t* tokens, float* y) {
  for (Index r = 0; r < rows; ++r) copy_floats(columns, table + tokens[r] * columns, y + r * columns);
}

void scatter_add(Index rows, Index columns, const float* dy, const std::int32_t* tokens, float* dtable) {
  for (Index r = 0; r < rows; ++r) {
    float* const row = dtable + tokens[r] * columns;
    add(columns, row, dy + r * columns, row);
  }
}

void transpose(Index rows, Index columns, const float* x, Index ldx, float* y) {
  // The fewer become the slots of a vector.
  if (columns < rows) return to_planes(x, ldx, columns, rows, y, rows);
  to_pixels(x, ldx, rows, columns, y, rows);
}

}  // namespace

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise{activate, activate_gradient, add,          multiply, axpby,  add_row,
                                     sum,      sum_squares,       reduce_parts, dropout,  gather, scatter_add,
                                     transpose};

}  // namespace firn::FIRN_ISA_SPACE
