#include "engine/kernels/pool.h"

namespace firn::naive {

namespace {

/// The part of a window that lies inside of the image, and the divisor of its mean.
struct Window {
  Index top, bottom, left, right;  ///< rows [top, bottom), columns [left, right)
  Index first_row, first_column;   ///< of the whole window; may be negative
  Index divisor;
};

Index smaller(Index a, Index b) {
  return a < b ? a : b;
}

Window window(const PoolGeometry& g, Index i, Index j) {
  const Index row = i * g.stride_h - g.pad_h, column = j * g.stride_w - g.pad_w;
  Window r{row < 0 ? 0 : row,
           smaller(row + g.kh, g.h),
           column < 0 ? 0 : column,
           smaller(column + g.kw, g.w),
           row,
           column,
           0};
  r.divisor = g.count_padding ? (smaller(row + g.kh, g.h + g.pad_h) - row) *
                                    (smaller(column + g.kw, g.w + g.pad_w) - column)
                              : (r.bottom - r.top) * (r.right - r.left);
  return r;
}

/// Calls f(window, offset of the image in x, offset of the pixel in y) for every output pixel.
template <class F>
void for_each_window(const PoolGeometry& g, Index n, const F& f) {
  for (Index image = 0; image < n; ++image) {
    for (Index i = 0; i < g.oh; ++i) {
      for (Index j = 0; j < g.ow; ++j) {
        f(window(g, i, j), image * g.h * g.w * g.c, ((image * g.oh + i) * g.ow + j) * g.c);
      }
    }
  }
}

void zero(Index count, real* to) {
  for (Index i = 0; i < count; ++i) to[i] = 0;
}

void max_forward(const PoolGeometry& g, Index n, const real* x, real* y, std::uint8_t* position) {
  for_each_window(g, n, [&](const Window& window, Index x0, Index y0) {
    for (Index c = 0; c < g.c; ++c) {
      real best = x[x0 + (window.top * g.w + window.left) * g.c + c];
      Index place = (window.top - window.first_row) * g.kw + window.left - window.first_column;
      for (Index row = window.top; row < window.bottom; ++row) {
        for (Index column = window.left; column < window.right; ++column) {
          const real value = x[x0 + (row * g.w + column) * g.c + c];
          if (value <= best || best != best) continue;
          best = value;
          place = (row - window.first_row) * g.kw + column - window.first_column;
        }
      }
      y[y0 + c] = best;
      if (position != nullptr) position[y0 + c] = static_cast<std::uint8_t>(place);
    }
  });
}

void max_gradient(const PoolGeometry& g, Index n, const real* dy, const std::uint8_t* position, real* dx) {
  zero(n * g.h * g.w * g.c, dx);
  for_each_window(g, n, [&](const Window& window, Index x0, Index y0) {
    for (Index c = 0; c < g.c; ++c) {
      const Index row = window.first_row + position[y0 + c] / g.kw;
      const Index column = window.first_column + position[y0 + c] % g.kw;
      dx[x0 + (row * g.w + column) * g.c + c] += dy[y0 + c];
    }
  });
}

void average_forward(const PoolGeometry& g, Index n, const real* x, real* y) {
  for_each_window(g, n, [&](const Window& window, Index x0, Index y0) {
    const real divisor = static_cast<real>(window.divisor);
    for (Index c = 0; c < g.c; ++c) {
      real sum = 0;
      for (Index row = window.top; row < window.bottom; ++row) {
        for (Index column = window.left; column < window.right; ++column) {
          sum += x[x0 + (row * g.w + column) * g.c + c];
        }
      }
      y[y0 + c] = sum / divisor;
    }
  });
}

void average_gradient(const PoolGeometry& g, Index n, const real* dy, real* dx) {
  zero(n * g.h * g.w * g.c, dx);
  for_each_window(g, n, [&](const Window& window, Index x0, Index y0) {
    const real divisor = static_cast<real>(window.divisor);
    for (Index row = window.top; row < window.bottom; ++row) {
      for (Index column = window.left; column < window.right; ++column) {
        for (Index c = 0; c < g.c; ++c) dx[x0 + (row * g.w + column) * g.c + c] += dy[y0 + c] / divisor;
      }
    }
  });
}

void global_forward(Index n, Index pixels, Index c, const real* x, real* y) {
  const real divisor = static_cast<real>(pixels);
  for (Index image = 0; image < n; ++image) {
    for (Index k = 0; k < c; ++k) {
      real sum = 0;
      for (Index pixel = 0; pixel < pixels; ++pixel) sum += x[(image * pixels + pixel) * c + k];
      y[image * c + k] = sum / divisor;
    }
  }
}

void global_gradient(Index n, Index pixels, Index c, const real* dy, real* dx) {
  const real divisor = static_cast<real>(pixels);
  for (Index image = 0; image < n; ++image) {
    for (Index pixel = 0; pixel < pixels; ++pixel) {
      for (Index k = 0; k < c; ++k) dx[(image * pixels + pixel) * c + k] = dy[image * c + k] / divisor;
    }
  }
}

}  // namespace

extern const PoolKernels pool;
const PoolKernels pool{max_forward,      max_gradient,   average_forward,
                       average_gradient, global_forward, global_gradient};

}  // namespace firn::naive
