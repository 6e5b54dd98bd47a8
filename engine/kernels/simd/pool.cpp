#include "engine/kernels/pool.h"

#include "engine/kernels/gemm.h"
#include "engine/kernels/simd/lanes.h"
#include "engine/kernels/simd/window.h"

namespace firn::FIRN_ISA_SPACE {

extern const GemmKernels gemm;

namespace {

typedef std::uint8_t Bytes __attribute__((vector_size(FIRN_LANES)));
typedef std::uint8_t BytesUnaligned __attribute__((vector_size(FIRN_LANES), aligned(1)));

// GCC 12 takes __builtin_convertvector apart lane by lane.
#if defined(__AVX512F__)
VecInt widen(Bytes bytes) {
  return VecInt(_mm512_maskz_cvtepu8_epi32(0xffff, __m128i(bytes)));
}
Bytes narrow(VecInt v) {
  return Bytes(_mm512_maskz_cvtepi32_epi8(0xffff, __m512i(v)));
}
#elif defined(__AVX2__)
VecInt widen(Bytes bytes) {
  return VecInt(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(std::int64_t(bytes))));
}
Bytes narrow(VecInt v) {
  const __m256i all = __m256i(v);
  const __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  return Bytes(_mm_cvtsi128_si64(_mm_packus_epi16(half, half)));
}
#else
VecInt widen(Bytes bytes) {
  return __builtin_convertvector(bytes, VecInt);
}
Bytes narrow(VecInt v) {
  return __builtin_convertvector(v, Bytes);
}
#endif

/// The first n <= kLanes; the other lanes of what is loaded are zero.
#if defined(__AVX512F__)
VecInt load_bytes(const std::uint8_t* p, Index n) {
  return widen(Bytes(_mm_maskz_loadu_epi8(static_cast<__mmask16>((1u << n) - 1), p)));
}
void store_bytes(std::uint8_t* p, VecInt v, Index n) {
  _mm_mask_storeu_epi8(p, static_cast<__mmask16>((1u << n) - 1), __m128i(narrow(v)));
}
#else
VecInt load_bytes(const std::uint8_t* p, Index n) {
  if (n == kLanes) return widen(*reinterpret_cast<const BytesUnaligned*>(p));
  Bytes bytes{};
  for (Index i = 0; i < n; ++i) bytes[i] = p[i];
  return widen(bytes);
}
void store_bytes(std::uint8_t* p, VecInt v, Index n) {
  const Bytes bytes = narrow(v);
  if (n == kLanes) {
    *reinterpret_cast<BytesUnaligned*>(p) = bytes;
  } else {
    for (Index i = 0; i < n; ++i) p[i] = bytes[i];
  }
}
#endif

/// An output pixel's window: where it begins, which of its taps lie inside of the image, and where both are
/// in memory.
template <class T>
struct Window {
  Index top, left;
  Range rows, columns;
  T* x;  ///< tap (0,0); outside of the image where rows or columns do not begin at 0
  Index y;
};

template <class T, class F>
void for_each_window(const PoolGeometry& g, Index n, T* x, const F& f) {
  for (Index row = 0; row < n * g.oh; ++row) {
    const Index top = row % g.oh * g.stride_h - g.pad_h;
    for (Index j = 0; j < g.ow; ++j) {
      const Index left = j * g.stride_w - g.pad_w;
      f(Window<T>{top, left, taps_inside(top, g.kh, g.h), taps_inside(left, g.kw, g.w),
                  x + ((row / g.oh * g.h + top) * g.w + left) * g.c, (row * g.ow + j) * g.c});
    }
  }
}

/// Taps of a window that begins at `start` which lie inside of the padded axis.
Index padded_taps(Index start, Index k, Index size, Index pad) {
  return smaller(k, size + pad - start);
}

/// Windows of 2x2 that tile the image and lie inside of it.
bool halves(const PoolGeometry& g) {
  return g.kh == 2 && g.kw == 2 && g.stride_h == 2 && g.stride_w == 2 && g.pad_h == 0 && g.pad_w == 0 &&
         2 * g.oh <= g.h && 2 * g.ow <= g.w;
}

/// Channels of windows side by side that share a vector: `count` of each, or of one window alone.
struct Neighbours {
  Index windows, count;

  Index lanes() const { return windows * count; }
  /// The same tap of each; windows are 2 pixels of c channels apart.
  Vec load_tap(const float* p, Index c) const {
    Vec v = load_part(p, count);
    for (Index w = 1; w < windows; ++w) v = load_lanes(v, p + 2 * w * c, w * count, count);
    return v;
  }
  void store_tap(float* p, Vec v, Index c) const {
    store_part(p, v, count);
    for (Index w = 1; w < windows; ++w) store_lanes(p + 2 * w * c, v, w * count, count);
  }
};

/// Calls f(x of the first window's first tap, offset in y, neighbours) for what covers all windows of 2x2.
template <class T, class F>
void for_each_halved(const PoolGeometry& g, Index n, T* x, const F& f) {
  const Index together = larger(1, kLanes / larger(1, g.c));
  for (Index image = 0; image < n; ++image, x += g.h * g.w * g.c) {
    for (Index i = 0; i < g.oh; ++i) {
      T* const line = x + 2 * i * g.w * g.c;
      const Index to = (image * g.oh + i) * g.ow * g.c;
      for (Index j = 0; j < g.ow; j += together) {
        for (Index c = 0; c < g.c; c += kLanes) {
          f(line + 2 * j * g.c + c, to + j * g.c + c,
            Neighbours{smaller(together, g.ow - j), smaller(kLanes, g.c - c)});
        }
      }
    }
  }
}

template <bool with_position>
void max_halved(const PoolGeometry& g, Index n, const float* x, float* y, std::uint8_t* position) {
  const Index line = g.w * g.c;
  for_each_halved(g, n, x, [&](const float* p, Index to, const Neighbours& near) {
    Vec best = near.load_tap(p, g.c);
    VecInt place{};
    for (std::int32_t tap = 1; tap < 4; ++tap) {
      const Vec value = near.load_tap(p + tap / 2 * line + tap % 2 * g.c, g.c);
      const VecInt keep = (value <= best) | (best != best);
      best = keep ? best : value;
      if (with_position) place = keep ? place : VecInt{} + tap;
    }
    store_part(y + to, best, near.lanes());
    if (with_position) store_bytes(position + to, place, near.lanes());
  });
}

template <bool with_position>
void max_pool(const PoolGeometry& g, Index n, const float* x, float* y, std::uint8_t* position) {
  for_each_window(g, n, x, [&](const auto& w) {
    for_channels(g.c, [&](Index c, Index count, const auto& load_at) {
      Vec best = load_at(w.x + (w.rows.first * g.w + w.columns.first) * g.c + c);
      VecInt place = VecInt{} + static_cast<std::int32_t>(w.rows.first * g.kw + w.columns.first);
      for (Index a = w.rows.first; a < w.rows.last; ++a) {
        for (Index b = w.columns.first; b < w.columns.last; ++b) {
          const Vec value = load_at(w.x + (a * g.w + b) * g.c + c);
          const VecInt keep = (value <= best) | (best != best);
          best = keep ? best : value;
          if (with_position) place = keep ? place : VecInt{} + static_cast<std::int32_t>(a * g.kw + b);
        }
      }
      store_part(y + w.y + c, best, count);
      if (with_position) store_bytes(position + w.y + c, place, count);
    });
  });
}

void max_forward(const PoolGeometry& g, Index n, const real* x, real* y, std::uint8_t* position) {
  const bool halved = halves(g);
  if (position != nullptr) {
    (halved ? max_halved<true> : max_pool<true>)(g, n, x, y, position);
  } else {
    (halved ? max_halved<false> : max_pool<false>)(g, n, x, y, nullptr);
  }
}

/// Calls f(row, column, outputs' rows, outputs' columns, their first row in the batch, offset in dx) for
/// every input pixel: each is written once, whatever the windows do.
template <class F>
void for_each_input(const PoolGeometry& g, Index n, const F& f) {
  for (Index row = 0; row < n * g.h; ++row) {
    const Range us = outputs_of_input(row % g.h, g.kh, g.oh, g.stride_h, g.pad_h);
    for (Index j = 0; j < g.w; ++j) {
      f(row % g.h, j, us, outputs_of_input(j, g.kw, g.ow, g.stride_w, g.pad_w), row / g.h * g.oh,
        (row * g.w + j) * g.c);
    }
  }
}

/// Windows that tile the image from its corner: then each input pixel is one tap of one window, or of none.
bool tiles(const PoolGeometry& g) {
  return g.pad_h == 0 && g.pad_w == 0 && g.kh == g.stride_h && g.kw == g.stride_w;
}

/// Zeroes what the windows that tile the image leave over at its right and lower edge.
void zero_rest(const PoolGeometry& g, Index n, float* dx) {
  const Index rows = smaller(g.h, g.oh * g.kh), columns = smaller(g.w, g.ow * g.kw);
  for (Index image = 0; image < n; ++image, dx += g.h * g.w * g.c) {
    if (columns < g.w) {
      for (Index i = 0; i < rows; ++i) zero_floats((g.w - columns) * g.c, dx + (i * g.w + columns) * g.c);
    }
    zero_floats((g.h - rows) * g.w * g.c, dx + rows * g.w * g.c);
  }
}

void max_gradient_tiled(const PoolGeometry& g, Index n, const float* dy, const std::uint8_t* position,
                        float* dx) {
  zero_rest(g, n, dx);
  for_each_window(g, n, dx, [&](const auto& w) {
    for_channels(g.c, [&](Index c, Index count, const auto& load_at) {
      const Vec value = load_at(dy + w.y + c);
      const VecInt place = load_bytes(position + w.y + c, count);
      for (Index a = 0; a < w.rows.last; ++a) {
        for (Index b = 0; b < w.columns.last; ++b) {
          const VecInt mine = place == static_cast<std::int32_t>(a * g.kw + b);
          store_part(w.x + (a * g.w + b) * g.c + c, mine ? value : Vec{}, count);
        }
      }
    });
  });
}

void max_gradient_halved(const PoolGeometry& g, Index n, const float* dy, const std::uint8_t* position,
                         float* dx) {
  zero_rest(g, n, dx);
  const Index line = g.w * g.c;
  for_each_halved(g, n, dx, [&](float* p, Index from, const Neighbours& near) {
    const Vec value = load_part(dy + from, near.lanes());
    const VecInt place = load_bytes(position + from, near.lanes());
    for (std::int32_t tap = 0; tap < 4; ++tap) {
      near.store_tap(p + tap / 2 * line + tap % 2 * g.c, place == tap ? value : Vec{}, g.c);
    }
  });
}

void max_gradient(const PoolGeometry& g, Index n, const real* dy, const std::uint8_t* position, real* dx) {
  if (halves(g)) return max_gradient_halved(g, n, dy, position, dx);
  if (tiles(g)) return max_gradient_tiled(g, n, dy, position, dx);
  for_each_input(g, n, [&](Index i, Index j, Range us, Range vs, Index base, Index to) {
    for_channels(g.c, [&](Index c, Index count, const auto& load_at) {
      Vec z{};
      for (Index u = us.first; u < us.last; ++u) {
        for (Index v = vs.first; v < vs.last; ++v) {
          const Index from = ((base + u) * g.ow + v) * g.c + c;
          const Index tap = (i + g.pad_h - u * g.stride_h) * g.kw + j + g.pad_w - v * g.stride_w;
          const VecInt mine = load_bytes(position + from, count) == static_cast<std::int32_t>(tap);
          z += mine ? load_at(dy + from) : Vec{};
        }
      }
      store_part(dx + to + c, z, count);
    });
  });
}

float divisor(const PoolGeometry& g, Index top, Index left) {
  if (g.count_padding) {
    return static_cast<float>(padded_taps(top, g.kh, g.h, g.pad_h) * padded_taps(left, g.kw, g.w, g.pad_w));
  }
  const Range rows = taps_inside(top, g.kh, g.h), columns = taps_inside(left, g.kw, g.w);
  return static_cast<float>((rows.last - rows.first) * (columns.last - columns.first));
}

void average_forward(const PoolGeometry& g, Index n, const real* x, real* y) {
  for_each_window(g, n, x, [&](const auto& w) {
    const float places = divisor(g, w.top, w.left);
    for_channels(g.c, [&](Index c, Index count, const auto& load_at) {
      Vec sum{};
      for (Index a = w.rows.first; a < w.rows.last; ++a) {
        for (Index b = w.columns.first; b < w.columns.last; ++b)
          sum += load_at(w.x + (a * g.w + b) * g.c + c);
      }
      store_part(y + w.y + c, sum / places, count);
    });
  });
}

void average_gradient_tiled(const PoolGeometry& g, Index n, const float* dy, float* dx) {
  zero_rest(g, n, dx);
  for_each_window(g, n, dx, [&](const auto& w) {
    const float places = divisor(g, w.top, w.left);
    for_channels(g.c, [&](Index c, Index count, const auto& load_at) {
      const Vec share = load_at(dy + w.y + c) / places;
      for (Index a = 0; a < w.rows.last; ++a) {
        for (Index b = 0; b < w.columns.last; ++b) store_part(w.x + (a * g.w + b) * g.c + c, share, count);
      }
    });
  });
}

void average_gradient(const PoolGeometry& g, Index n, const real* dy, real* dx) {
  if (tiles(g)) return average_gradient_tiled(g, n, dy, dx);
  for_each_input(g, n, [&](Index, Index, Range us, Range vs, Index base, Index to) {
    for_channels(g.c, [&](Index c, Index count, const auto& load_at) {
      Vec sum{};
      for (Index u = us.first; u < us.last; ++u) {
        for (Index v = vs.first; v < vs.last; ++v) {
          const float places = divisor(g, u * g.stride_h - g.pad_h, v * g.stride_w - g.pad_w);
          sum += load_at(dy + ((base + u) * g.ow + v) * g.c + c) / places;
        }
      }
      store_part(dx + to + c, sum, count);
    });
  });
}

void global_forward(Index n, Index pixels, Index c, const real* x, real* y) {
  for (Index image = 0; image < n; ++image) {
    float* const to = y + image * c;
    gemm.column_sum(pixels, c, x + image * pixels * c, c, to, false);
    for_channels(c, [&](Index k, Index count, const auto& load_at) {
      store_part(to + k, load_at(to + k) / static_cast<float>(pixels), count);
    });
  }
}

void global_gradient(Index n, Index pixels, Index c, const real* dy, real* dx) {
  for (Index image = 0; image < n; ++image) {
    for_channels(c, [&](Index k, Index count, const auto& load_at) {
      const Vec share = load_at(dy + image * c + k) / static_cast<float>(pixels);
      for (Index pixel = 0; pixel < pixels; ++pixel)
        store_part(dx + (image * pixels + pixel) * c + k, share, count);
    });
  }
}

}  // namespace

extern const PoolKernels pool;
const PoolKernels pool{max_forward,      max_gradient,   average_forward,
                       average_gradient, global_forward, global_gradient};

}  // namespace firn::FIRN_ISA_SPACE
