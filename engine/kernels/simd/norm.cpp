#include "engine/kernels/norm.h"

#include "engine/kernels/simd/map.h"
#include "engine/kernels/simd/transcendental.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

/// Columns go in strips of four vectors: whole cache lines of a row, and four sums that need not wait for
/// each other. A block of rows is summed in float, the blocks in double.
constexpr Index kStripVectors = 4;
constexpr Index kStrip = kStripVectors * kLanes;
constexpr Index kBlockRows = 32;

/// f(first column, load_at, vectors) for the strips of a row; load_at(p, v) is vector v of `vectors` at p.
template <class F>
void for_each_strip(Index columns, const F& f) {
  Index c = 0;
  for (; c + kStrip <= columns; c += kStrip) {
    f(
        c, [](const float* p, Index v) { return load(p + v * kLanes); }, kStripVectors);
  }
  for_each_vector(columns - c, [&](Index i, auto lanes) {
    f(
        c + i, [lanes](const float* p, Index) { return load(p, lanes); }, Index{1});
  });
}

/// Each block's mean and m2 by the corrected two-pass algorithm while it is in the cache; blocks are merged
/// as in Chan, Golub, LeVeque 1979 (equation 2.1).
void moments(Index rows, Index columns, const float* x, float* mean, float* rest, float* m2) {
  for_each_strip(columns, [&](Index first, auto load_at, Index vectors) {
    double means[kStrip] = {};
    double squares[kStrip] = {};
    for (Index r0 = 0; r0 < rows; r0 += kBlockRows) {
      const Index count = smaller(kBlockRows, rows - r0);
      const float* const block = x + r0 * columns + first;
      Vec center[kStripVectors] = {};
      Vec difference[kStripVectors] = {};
      Vec square[kStripVectors] = {};
      for (Index r = 0; r < count; ++r) {
        for (Index v = 0; v < vectors; ++v) center[v] += load_at(block + r * columns, v);
      }
      for (Index v = 0; v < vectors; ++v) center[v] /= static_cast<float>(count);
      for (Index r = 0; r < count; ++r) {
        for (Index v = 0; v < vectors; ++v) {
          const Vec d = load_at(block + r * columns, v) - center[v];
          difference[v] += d;
          square[v] += d * d;
        }
      }
      const auto before = static_cast<double>(r0);
      const auto n = static_cast<double>(count);
      const double share = n / (before + n);
      for (Index v = 0; v < vectors; ++v) {
        for (Index i = 0; i < kLanes; ++i) {
          const Index c = v * kLanes + i;
          const double off = difference[v][i];
          const double delta = center[v][i] + off / n - means[c];
          means[c] += delta * share;
          squares[c] += square[v][i] - off * off / n + delta * delta * (before * share);
        }
      }
    }
    for (Index c = 0; c < smaller(vectors * kLanes, columns - first); ++c) {
      mean[first + c] = static_cast<float>(means[c]);
      rest[first + c] = static_cast<float>(means[c] - static_cast<double>(mean[first + c]));
      m2[first + c] = static_cast<float>(squares[c]);
    }
  });
}

/// plain[c] = sum over rows of dy(row, column, load), weighted[c] = sum of dy * xhat(row, column, load);
/// either may be null.
template <class Dy, class F>
void sum_columns(Index rows, Index columns, const Dy& dy, const F& xhat, float* plain, float* weighted) {
  for_each_strip(columns, [&](Index first, auto load_at, Index vectors) {
    double plains[kStrip] = {};
    double weighteds[kStrip] = {};
    for (Index r0 = 0; r0 < rows; r0 += kBlockRows) {
      Vec p[kStripVectors] = {};
      Vec w[kStripVectors] = {};
      for (Index r = r0; r < smaller(r0 + kBlockRows, rows); ++r) {
        for (Index v = 0; v < vectors; ++v) {
          const auto at = [&](const float* q) { return load_at(q, v); };
          const Vec g = dy(r, first, at);
          p[v] += g;
          w[v] += g * xhat(r, first, at);
        }
      }
      for (Index v = 0; v < vectors; ++v) {
        for (Index i = 0; i < kLanes; ++i) {
          plains[v * kLanes + i] += p[v][i];
          weighteds[v * kLanes + i] += w[v][i];
        }
      }
    }
    for (Index c = 0; c < smaller(vectors * kLanes, columns - first); ++c) {
      if (plain != nullptr) plain[first + c] = static_cast<float>(plains[c]);
      if (weighted != nullptr) weighted[first + c] = static_cast<float>(weighteds[c]);
    }
  });
}

void affine(Index rows, Index columns, const float* x, const float* scale, const float* shift,
            const float* residual, bool relu, float* y) {
  for (Index r = 0; r < rows; ++r) {
    const float* const from = x + r * columns;
    float* const to = y + r * columns;
    if (residual != nullptr && shift != nullptr) {
      map(
          columns, to,
          [&](Vec v, Vec s, Vec t, Vec more) {
            return relu ? max(Vec{}, v * s + t + more) : v * s + t + more;
          },
          from, scale, shift, residual + r * columns);
    } else if (residual != nullptr) {
      map(
          columns, to, [&](Vec v, Vec s, Vec more) { return relu ? max(Vec{}, v * s + more) : v * s + more; },
          from, scale, residual + r * columns);
    } else if (shift != nullptr) {
      map(
          columns, to, [&](Vec v, Vec s, Vec t) { return relu ? max(Vec{}, v * s + t) : v * s + t; }, from,
          scale, shift);
    } else {
      map(
          columns, to, [&](Vec v, Vec s) { return relu ? max(Vec{}, v * s) : v * s; }, from, scale);
    }
  }
}

void normalise(Index rows, Index columns, const float* x, const float* center, const float* scale,
               const float* shift, const float* residual, bool relu, float* y) {
  for (Index r = 0; r < rows; ++r) {
    const float* const from = x + r * columns;
    float* const to = y + r * columns;
    if (residual != nullptr) {
      map(
          columns, to,
          [&](Vec v, Vec m, Vec s, Vec t, Vec more) {
            const Vec z = (v - m) * s + t + more;
            return relu ? max(Vec{}, z) : z;
          },
          from, center, scale, shift, residual + r * columns);
    } else {
      map(
          columns, to,
          [&](Vec v, Vec m, Vec s, Vec t) {
            const Vec z = (v - m) * s + t;
            return relu ? max(Vec{}, z) : z;
          },
          from, center, scale, shift);
    }
  }
}

void gradient_sums(Index rows, Index columns, const float* x, const float* mean, const float* inverse_std,
                   const float* dy, const Gate& gate, float* sum_dy, float* sum_dy_xhat) {
  const auto plain = [&](Index r, Index c, const auto& at) { return at(dy + r * columns + c); };
  if (mean == nullptr && inverse_std == nullptr && gate.center == nullptr) {
    sum_columns(
        rows, columns, plain, [&](Index r, Index c, const auto& at) { return at(x + r * columns + c); },
        sum_dy, sum_dy_xhat);
    return;
  }
  const auto xhat = [&](Index r, Index c, const auto& at) {
    Vec d = at(x + r * columns + c);
    if (mean != nullptr) d -= at(mean + c);
    return inverse_std != nullptr ? d * at(inverse_std + c) : d;
  };
  if (gate.center == nullptr) return sum_columns(rows, columns, plain, xhat, sum_dy, sum_dy_xhat);
  sum_columns(
      rows, columns,
      [&](Index r, Index c, const auto& at) {
        const Vec y =
            (at(x + r * columns + c) - at(gate.center + c)) * at(gate.scale + c) + at(gate.shift + c);
        return y > Vec{} ? at(dy + r * columns + c) : Vec{};
      },
      xhat, sum_dy, sum_dy_xhat);
}

void gradient_apply(Index rows, Index columns, const float* x, const float* dy, const Gate& gate,
                    const float* a, const float* b, const float* d, float* dx) {
  for (Index r = 0; r < rows; ++r) {
    const float* const g_row = dy + r * columns;
    const float* const x_row = x + r * columns;
    if (gate.center == nullptr) {
      map(
          columns, dx + r * columns,
          [](Vec g, Vec v, Vec av, Vec bv, Vec dv) { return av * g + (bv * v + dv); }, g_row, x_row, a, b, d);
    } else {
      map(
          columns, dx + r * columns,
          [](Vec g, Vec v, Vec av, Vec bv, Vec dv, Vec m, Vec s, Vec t) {
            return av * ((v - m) * s + t > Vec{} ? g : Vec{}) + (bv * v + dv);
          },
          g_row, x_row, a, b, d, gate.center, gate.scale, gate.shift);
    }
  }
}

void layer_norm(Index rows, Index columns, float epsilon, const float* x, const float* gamma,
                const float* beta, float* y, float* mean, float* inverse_std) {
  const double n = columns > 0 ? static_cast<double>(columns) : 1;
  for (Index r = 0; r < rows; ++r) {
    const float* const row = x + r * columns;
    const auto center = static_cast<float>(
        sum_vectors(columns, [&](Index i, auto lanes) { return load(row + i, lanes); }) / n);
    // What the rounded mean is off by, so that neither a large mean nor its rounding harms the variance.
    const double off =
        sum_vectors(columns,
                    [&](Index i, auto lanes) { return keep(load(row + i, lanes) - center, lanes, 0); }) /
        n;
    const double squares = sum_vectors(columns, [&](Index i, auto lanes) {
      const Vec d = keep(load(row + i, lanes) - center, lanes, 0);
      return d * d;
    });
    const auto scale =
        static_cast<float>(1 / __builtin_sqrt(squares / n - off * off + static_cast<double>(epsilon)));
    const auto rest = static_cast<float>(off);
    map(
        columns, y + r * columns, [&](Vec v, Vec g, Vec b) { return (v - center - rest) * scale * g + b; },
        row, gamma, beta);
    if (mean != nullptr) mean[r] = static_cast<float>(center + off);
    if (inverse_std != nullptr) inverse_std[r] = scale;
  }
}

/// dx = inverse_std * (g - mean(g) - xhat * mean(g * xhat)) with g = dy * gamma.
void layer_norm_dx(Index rows, Index columns, const float* x, const float* gamma, const float* mean,
                   const float* inverse_std, const float* dy, float* dx) {
  const double n = columns > 0 ? static_cast<double>(columns) : 1;
  for (Index r = 0; r < rows; ++r) {
    const float* const row = x + r * columns;
    const float* const g = dy + r * columns;
    const float center = mean[r];
    const float scale = inverse_std[r];
    // Lanes beyond the end have dy = 0.
    const auto plain = static_cast<float>(
        sum_vectors(columns,
                    [&](Index i, auto lanes) { return load(g + i, lanes) * load(gamma + i, lanes); }) /
        n);
    const auto weighted =
        static_cast<float>(sum_vectors(columns,
                                       [&](Index i, auto lanes) {
                                         const Vec xhat = (load(row + i, lanes) - center) * scale;
                                         return load(g + i, lanes) * load(gamma + i, lanes) * xhat;
                                       }) /
                           n);
    map(
        columns, dx + r * columns,
        [&](Vec gv, Vec w, Vec v) { return scale * (gv * w - plain - (v - center) * scale * weighted); }, g,
        gamma, row);
  }
}

void layer_norm_dparameters(Index rows, Index columns, const float* x, const float* mean,
                            const float* inverse_std, const float* dy, float* dgamma, float* dbeta) {
  sum_columns(
      rows, columns, [&](Index r, Index c, const auto& at) { return at(dy + r * columns + c); },
      [&](Index r, Index c, const auto& at) { return (at(x + r * columns + c) - mean[r]) * inverse_std[r]; },
      dbeta, dgamma);
}

void softmax(Index rows, Index columns, const float* x, float* y) {
  for (Index r = 0; r < rows; ++r) {
    const float* const row = x + r * columns;
    float* const out = y + r * columns;
    const float top = largest(columns, row);
    const double sum = sum_vectors(columns, [&](Index i, auto lanes) {
      const Vec e = keep(exp(load(row + i, lanes) - top), lanes, 0);
      store(out + i, e, lanes);
      return e;
    });
    const auto scale = static_cast<float>(1 / sum);
    map(
        columns, out, [&](Vec e) { return e * scale; }, out);
  }
}

void softmax_gradient(Index rows, Index columns, const float* y, const float* dy, float* dx) {
  for (Index r = 0; r < rows; ++r) {
    const Index at = r * columns;
    const auto dot = static_cast<float>(sum_vectors(
        columns, [&](Index i, auto lanes) { return load(dy + at + i, lanes) * load(y + at + i, lanes); }));
    map(
        columns, dx + at, [&](Vec yv, Vec g) { return yv * (g - dot); }, y + at, dy + at);
  }
}

}  // namespace

extern const NormKernels norm;
const NormKernels norm{moments,        affine,          normalise,     gradient_sums,
                       gradient_apply, layer_norm,      layer_norm_dx, layer_norm_dparameters,
                       softmax,        softmax_gradient};

}  // namespace firn::FIRN_ISA_SPACE
