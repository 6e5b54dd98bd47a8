#include "engine/kernels/winograd.h"

#include "engine/kernels/naive/epilogue.h"

namespace firn::naive {

namespace {

constexpr Index kMost = 6;  // inputs along a side of the largest tile

/// A^T (m,t), G (t,3) and B^T (t,t) for t = m + 2: a filter of three taps as the transpose of a product of
/// polynomials, which is known by its values at t - 1 points and its leading coefficient.
struct Matrices {
  Index m, t;
  real at[kMost][kMost] = {}, g[kMost][3] = {}, bt[kMost][kMost] = {};

  constexpr explicit Matrices(Index outputs) : m(outputs), t(outputs + 2) {
    const double two[] = {0, 1, -1};
    const double four[] = {0, kWinogradNear, -kWinogradNear, kWinogradFar, -kWinogradFar};
    const double* const points = m == 2 ? two : four;
    for (Index i = 0; i < t; ++i) {  // the last row stands for infinity
      double coefficients[kMost] = {1}, scale = 1, power = 1;
      Index degree = 0;
      for (Index j = 0; j < t - 1; ++j) {
        if (j == i) continue;
        ++degree;
        for (Index d = degree; d >= 0; --d) {
          coefficients[d] = (d > 0 ? coefficients[d - 1] : 0) - points[j] * coefficients[d];
        }
        if (i < t - 1) scale *= points[i] - points[j];
      }
      for (Index d = 0; d <= degree; ++d) bt[i][d] = static_cast<real>(coefficients[d]);
      for (Index k = 0; k < larger(m, 3); ++k) {
        const double value = i < t - 1 ? power : 0;
        if (k < m) at[k][i] = static_cast<real>(value);
        if (k < 3) g[i][k] = static_cast<real>(value / scale);
        if (i < t - 1) power *= points[i];
      }
    }
    at[m - 1][t - 1] = 1;
    g[t - 1][2] = 1;
  }

  static constexpr Index larger(Index a, Index b) { return a > b ? a : b; }
};

const Matrices& matrices(Index m) {
  static constexpr Matrices two(2), four(4);
  return m == 2 ? two : four;
}

/// out (rows,rows) = l in l^T for l (rows,columns) and in (columns,columns); elements of a matrix lie
/// `apart`.
template <class Row>
void sandwich(Index rows, Index columns, const Row* l, const real* in, Index in_apart, real* out,
              Index out_apart) {
  real half[kMost][kMost];
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) {
      half[i][j] = 0;
      for (Index k = 0; k < columns; ++k) half[i][j] += l[i][k] * in[(k * columns + j) * in_apart];
    }
  }
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < rows; ++j) {
      real sum = 0;
      for (Index k = 0; k < columns; ++k) sum += half[i][k] * l[j][k];
      out[(i * rows + j) * out_apart] = sum;
    }
  }
}

Index points(Index m) {
  return (m + 2) * (m + 2);
}

Index weight_count(const ConvGeometry& g, Index m) {
  return points(m) * g.c * g.oc;
}

/// (point, input channel, output channel)
void transform(const ConvGeometry& g, Index m, const real* weight, real* transformed) {
  const Matrices& s = matrices(m);
  const Index pairs = g.c * g.oc;
  for (Index pair = 0; pair < pairs; ++pair) {
    sandwich(s.t, 3, s.g, weight + pair, pairs, transformed + pair, pairs);
  }
}

void transform_dx(const ConvGeometry& g, Index m, const real* weight, real* transformed) {
  const Matrices& s = matrices(m);
  const Index pairs = g.c * g.oc;
  for (Index c = 0; c < g.c; ++c) {
    for (Index o = 0; o < g.oc; ++o) {
      real turned[9];
      for (Index tap = 0; tap < 9; ++tap) turned[tap] = weight[(8 - tap) * pairs + c * g.oc + o];
      sandwich(s.t, 3, s.g, turned, 1, transformed + o * g.c + c, pairs);
    }
  }
}

Index scratch(const ConvGeometry& g, Index m, Index) {
  return points(m) * (1 + g.c + g.oc);
}

void forward(const ConvGeometry& g, Index m, Index n, const real* x, const real* transformed,
             const Epilogue& epilogue, real* y, real* scratch) {
  const Matrices& s = matrices(m);
  const Index t = s.t, all = points(m);
  real *const patch = scratch, *const inputs = patch + all, *const products = inputs + all * g.c;
  for (Index image = 0; image < n; ++image) {
    for (Index i = 0; i < g.oh; i += m) {
      for (Index j = 0; j < g.ow; j += m) {
        for (Index c = 0; c < g.c; ++c) {
          for (Index p = 0; p < all; ++p) {
            const Index row = i - g.pad_h + p / t, column = j - g.pad_w + p % t;
            const bool inside = row >= 0 && row < g.h && column >= 0 && column < g.w;
            patch[p] = inside ? x[((image * g.h + row) * g.w + column) * g.c + c] : 0;
          }
          sandwich(t, t, s.bt, patch, 1, inputs + c, g.c);
        }
        for (Index p = 0; p < all; ++p) {
          for (Index o = 0; o < g.oc; ++o) {
            real sum = 0;
            for (Index c = 0; c < g.c; ++c)
              sum += inputs[p * g.c + c] * transformed[(p * g.c + c) * g.oc + o];
            products[p * g.oc + o] = sum;
          }
        }
        for (Index o = 0; o < g.oc; ++o) {
          sandwich(m, t, s.at, products + o, g.oc, patch, 1);
          for (Index p = 0; p < m * m; ++p) {
            const Index row = i + p / m, column = j + p % m;
            if (row < g.oh && column < g.ow) {
              y[((image * g.oh + row) * g.ow + column) * g.oc + o] = patch[p];
            }
          }
        }
      }
    }
  }
  for (Index pixel = 0; pixel < n * g.oh * g.ow; ++pixel) {
    finish_row(epilogue, pixel * g.oc, g.oc, y + pixel * g.oc);
  }
}

}  // namespace

extern const WinogradKernels winograd;
const WinogradKernels winograd{weight_count, transform, transform_dx, scratch, forward};

}  // namespace firn::naive
