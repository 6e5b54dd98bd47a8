#include "engine/kernels/norm.h"

#include <cmath>

namespace firn::naive {

namespace {

// Sums run in double, so that the truth is better than what is measured against it.

void moments(Index rows, Index columns, const real* x, real* mean, real* rest, real* m2) {
  for (Index c = 0; c < columns; ++c) {
    double sum = 0;
    for (Index r = 0; r < rows; ++r) sum += x[r * columns + c];
    const double center = rows > 0 ? sum / static_cast<double>(rows) : 0;
    double squares = 0;
    for (Index r = 0; r < rows; ++r) {
      const double d = x[r * columns + c] - center;
      squares += d * d;
    }
    mean[c] = static_cast<real>(center);
    rest[c] = static_cast<real>(center - static_cast<double>(mean[c]));
    m2[c] = static_cast<real>(squares);
  }
}

void affine(Index rows, Index columns, const real* x, const real* scale, const real* shift,
            const real* residual, bool relu, real* y) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) {
      real z = x[r * columns + c] * scale[c] + (shift != nullptr ? shift[c] : real(0));
      if (residual != nullptr) z += residual[r * columns + c];
      y[r * columns + c] = relu && z < 0 ? real(0) : z;
    }
  }
}

void normalise(Index rows, Index columns, const real* x, const real* center, const real* scale,
               const real* shift, const real* residual, bool relu, real* y) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) {
      real z = (x[r * columns + c] - center[c]) * scale[c] + shift[c];
      if (residual != nullptr) z += residual[r * columns + c];
      y[r * columns + c] = relu && z < 0 ? real(0) : z;
    }
  }
}

real passed(const Gate& gate, Index c, real x, real dy) {
  return gate.center == nullptr || (x - gate.center[c]) * gate.scale[c] + gate.shift[c] > 0 ? dy : real(0);
}

void gradient_sums(Index rows, Index columns, const real* x, const real* mean, const real* inverse_std,
                   const real* dy, const Gate& gate, real* sum_dy, real* sum_dy_xhat) {
  for (Index c = 0; c < columns; ++c) {
    const double center = mean != nullptr ? mean[c] : 0;
    const double scale = inverse_std != nullptr ? inverse_std[c] : 1;
    double plain = 0;
    double weighted = 0;
    for (Index r = 0; r < rows; ++r) {
      const double g = passed(gate, c, x[r * columns + c], dy[r * columns + c]);
      plain += g;
      weighted += g * (x[r * columns + c] - center);
    }
    sum_dy[c] = static_cast<real>(plain);
    sum_dy_xhat[c] = static_cast<real>(weighted * scale);
  }
}

void gradient_apply(Index rows, Index columns, const real* x, const real* dy, const Gate& gate, const real* a,
                    const real* b, const real* d, real* dx) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) {
      const Index i = r * columns + c;
      dx[i] = a[c] * passed(gate, c, x[i], dy[i]) + b[c] * x[i] + d[c];
    }
  }
}

void layer_norm(Index rows, Index columns, real epsilon, const real* x, const real* gamma, const real* beta,
                real* y, real* mean, real* inverse_std) {
  const auto n = static_cast<double>(columns);
  for (Index r = 0; r < rows; ++r) {
    const real* row = x + r * columns;
    double sum = 0;
    for (Index c = 0; c < columns; ++c) sum += row[c];
    const double center = columns > 0 ? sum / n : 0;
    double squares = 0;
    for (Index c = 0; c < columns; ++c) squares += (row[c] - center) * (row[c] - center);
    const double scale = 1 / std::sqrt((columns > 0 ? squares / n : 0) + static_cast<double>(epsilon));
    for (Index c = 0; c < columns; ++c) {
      y[r * columns + c] = static_cast<real>((row[c] - center) * scale) * gamma[c] + beta[c];
    }
    if (mean != nullptr) mean[r] = static_cast<real>(center);
    if (inverse_std != nullptr) inverse_std[r] = static_cast<real>(scale);
  }
}

/// dx = inverse_std * (g - mean(g) - xhat * mean(g * xhat)) with g = dy * gamma.
void layer_norm_dx(Index rows, Index columns, const real* x, const real* gamma, const real* mean,
                   const real* inverse_std, const real* dy, real* dx) {
  const auto n = static_cast<double>(columns);
  for (Index r = 0; r < rows; ++r) {
    const double center = mean[r];
    const double scale = inverse_std[r];
    double plain = 0;
    double weighted = 0;
    for (Index c = 0; c < columns; ++c) {
      const double g = static_cast<double>(dy[r * columns + c]) * gamma[c];
      plain += g;
      weighted += g * (x[r * columns + c] - center) * scale;
    }
    for (Index c = 0; c < columns; ++c) {
      const Index i = r * columns + c;
      const double xhat = (x[i] - center) * scale;
      const double g = static_cast<double>(dy[i]) * gamma[c];
      dx[i] = static_cast<real>(scale * (g - plain / n - xhat * (weighted / n)));
    }
  }
}

void layer_norm_dparameters(Index rows, Index columns, const real* x, const real* mean,
                            const real* inverse_std, const real* dy, real* dgamma, real* dbeta) {
  for (Index c = 0; c < columns; ++c) {
    double plain = 0;
    double weighted = 0;
    for (Index r = 0; r < rows; ++r) {
      const double g = dy[r * columns + c];
      plain += g;
      weighted += g * (static_cast<double>(x[r * columns + c]) - mean[r]) * inverse_std[r];
    }
    if (dgamma != nullptr) dgamma[c] = static_cast<real>(weighted);
    if (dbeta != nullptr) dbeta[c] = static_cast<real>(plain);
  }
}

void softmax(Index rows, Index columns, const real* x, real* y) {
  for (Index r = 0; r < rows; ++r) {
    const real* row = x + r * columns;
    real top = columns > 0 ? row[0] : real(0);
    for (Index c = 1; c < columns; ++c) top = row[c] > top ? row[c] : top;
    double sum = 0;
    for (Index c = 0; c < columns; ++c) {
      const double e = std::exp(static_cast<double>(row[c]) - top);
      sum += e;
    }
    for (Index c = 0; c < columns; ++c) {
      y[r * columns + c] = static_cast<real>(std::exp(static_cast<double>(row[c]) - top) / sum);
    }
  }
}

void softmax_gradient(Index rows, Index columns, const real* y, const real* dy, real* dx) {
  for (Index r = 0; r < rows; ++r) {
    const Index at = r * columns;
    double dot = 0;
    for (Index c = 0; c < columns; ++c) dot += static_cast<double>(dy[at + c]) * y[at + c];
    for (Index c = 0; c < columns; ++c) dx[at + c] = static_cast<real>(y[at + c] * (dy[at + c] - dot));
  }
}

}  // namespace

extern const NormKernels norm;
const NormKernels norm{moments,        affine,          normalise,     gradient_sums,
                       gradient_apply, layer_norm,      layer_norm_dx, layer_norm_dparameters,
                       softmax,        softmax_gradient};

}  // namespace firn::naive
