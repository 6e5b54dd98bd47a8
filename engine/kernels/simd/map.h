// Loops over memory by vectors, and sums of a row.
#pragma once

#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

/// How many lanes of a vector are meant: all of them, known when compiling, or the first `count`.
struct Whole {
  static constexpr Index count = kLanes;
};
struct Part {
  Index count;
};

static inline Vec load(const float* p, Whole) {
  return load(p);
}
static inline Vec load(const float* p, Part part) {
  return load_part(p, part.count);
}
static inline void store(float* p, Vec v, Whole) {
  store(p, v);
}
static inline void store(float* p, Vec v, Part part) {
  store_part(p, v, part.count);
}

/// The lanes that are meant; the others become `rest`.
static inline Vec keep(Vec v, Whole, float) {
  return v;
}
static inline Vec keep(Vec v, Part part, float rest) {
  alignas(64) static constexpr std::int32_t kOrder[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return load_int(kOrder) < static_cast<std::int32_t>(part.count) ? v : broadcast(rest);
}

/// f(i, Whole or Part) for the vectors that begin at i = 0, kLanes, ... and cover [0, count).
template <class F>
static inline void for_each_vector(Index count, const F& f) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) f(i, Whole{});
  if (i < count) f(i, Part{count - i});
}

/// y[i] = f(x[i]...), the same bits wherever in the range an element lies.
template <class F, class... In>
static inline void map(Index count, float* y, const F& f, const In*... x) {
  for_each_vector(count, [&](Index i, auto lanes) { store(y + i, f(load(x + i, lanes)...), lanes); });
}

/// Vectors that are summed in float before they are added to a sum in double.
inline constexpr Index kFloatSums = 32;

/// The sum of f(i, lanes) over the vectors that cover [0, count); f zeroes the lanes that are not meant.
template <class F>
static inline double sum_vectors(Index count, const F& f) {
  double total = 0;
  Index i = 0;
  for (; i + kFloatSums * kLanes <= count; i += kFloatSums * kLanes) {
    Vec part[2] = {};
    for (Index v = 0; v < kFloatSums; v += 2) {
      part[0] += f(i + v * kLanes, Whole{});
      part[1] += f(i + (v + 1) * kLanes, Whole{});
    }
    total += sum_lanes(part[0] + part[1]);
  }
  Vec part{};
  for (; i + kLanes <= count; i += kLanes) part += f(i, Whole{});
  if (i < count) part += f(i, Part{count - i});
  return total + sum_lanes(part);
}

/// The largest of x; a NaN may be passed over. Requires nothing of an empty row.
static inline float largest(Index count, const float* x) {
  Vec top = broadcast(-__builtin_inff());
  for_each_vector(count, [&](Index i, auto lanes) {
    top = max(top, keep(load(x + i, lanes), lanes, -__builtin_inff()));
  });
  float result = top[0];
  for (Index i = 1; i < kLanes; ++i) result = top[i] > result ? top[i] : result;
  return result;
}

}  // namespace firn::FIRN_ISA_SPACE
